"""Answers that do not come in one piece: subscriptions over WebSocket, server-sent events and multipart."""
