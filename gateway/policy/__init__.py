"""What do the rules say: the input's schema, policy revisions, the engines that evaluate them, what an answer means.

Never fills the input document (`gateway.admission.document` does) and never commits anything.
"""
