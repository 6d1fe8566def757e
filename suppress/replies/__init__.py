"""Replies to messages: what they ask for, and opt-outs made of those that say STOP."""

from suppress.replies.receiving import Received, receive_replies, receive_reply
from suppress.replies.understanding import Reply, understand

__all__ = ["Received", "Reply", "receive_replies", "receive_reply", "understand"]
