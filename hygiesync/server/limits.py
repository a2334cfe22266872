"""How often somebody may ask: token buckets, without a clock of their own."""

from __future__ import annotations

from collections import OrderedDict

_MAX_KEYS = 4096
"""Callers that are remembered; who has not asked for longest is forgotten first."""


class RateLimit:
    """A token bucket for each caller.

    Parameters
    ----------
    per_s : float
        Requests a second that may go on for ever.
    burst : int
        Requests that may come at once.

    Examples
    --------
    >>> limit = RateLimit(per_s=1, burst=2)
    >>> [limit.allows("me", 0.0) for _ in range(3)], limit.allows("me", 1.0)
    ([True, True, False], True)
    """

    def __init__(self, per_s: float, burst: int) -> None:
        self._per_s, self._burst = per_s, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allows(self, key: str, now_s: float) -> bool:
        """Take one of a caller's requests, if there is one left.

        Parameters
        ----------
        key : str
            Who asks, such as an address.
        now_s : float
            Seconds of any clock that does not go back.
        """
        left, since_s = self._left.pop(key, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - since_s) * self._per_s)
        is_allowed = left >= 1
        self._left[key] = (left - is_allowed, now_s)
        if len(self._left) > _MAX_KEYS:
            self._left.popitem(last=False)
        return is_allowed
