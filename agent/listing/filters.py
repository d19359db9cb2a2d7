"""Which items a call may show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from agent.data.log import Catalogue
from agent.errors import SettingsError
from agent.listing.request import Request


def filter_items(catalogue: Catalogue, request: Request) -> NDArray[np.bool_]:
    """Which items can be shown and pass the filters. An item known by its id alone tells nobody anything."""
    passed = catalogue.named.copy()
    if not passed.any():  # no item file yet: ids are all there is to show
        passed[:] = True
    if request.item_mask is not None:
        if request.item_mask.shape != passed.shape:
            raise SettingsError(
                f"expected an item_mask of shape {passed.shape!r}, one entry per item, "
                f"got {request.item_mask.shape!r}"
            )
        passed &= request.item_mask
    if request.domain is not None:
        of_domain = np.array([name == request.domain for name in catalogue.domains], np.bool_)
        if not of_domain.any():
            known = ", ".join(sorted(set(catalogue.domains))) or "none"
            raise SettingsError(f"no item has the domain {request.domain!r}; there are: {known}")
        passed &= of_domain
    if request.categories:
        by_name = {name.casefold(): name for name in catalogue.category_names}
        wanted = [name.casefold() for name in request.categories]
        if missing := sorted(name for name in wanted if name not in by_name):
            examples = ", ".join(catalogue.category_names[:12])
            raise SettingsError(
                f"no item has the category {missing[0]!r}; there are, for example: {examples}"
            )
        of_category = np.zeros(len(catalogue), np.bool_)
        for name, codes in catalogue.items_of_category.items():
            if name.casefold() in wanted:
                of_category[codes] = True
        passed &= of_category
    return passed
