"""A local imitation of BSG's One-API, as far as the stop list goes.

It follows BSG's documentation and its description of the API: signing in, paging, both names of
the channel filter, the limits, the shapes of answers and errors. Nothing leaves the machine: the
server binds 127.0.0.1 only, keeps its list in memory, and writes no phone number and no key to
any log.
"""

from suppress_bsg.sandbox.made_up import made_up
from suppress_bsg.sandbox.server import Sandbox
from suppress_bsg.sandbox.stop_list import SandboxEntry

__all__ = ["Sandbox", "SandboxEntry", "made_up"]
