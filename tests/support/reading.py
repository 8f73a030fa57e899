"""How many words of a page a person reads: those on the screen, each once."""

from playwright.sync_api import Page

_READ = r"""
above => {
    const read = (window.alreadyRead ??= new WeakMap());
    const below = above === null ? null : document.querySelector(above);
    const end = below === null ? innerHeight : below.getBoundingClientRect().top;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    let words = 0;
    while (walker.nextNode()) {
        const node = walker.currentNode, option = node.parentElement.closest("option");
        const shown = option === null ? node.parentElement : option.closest("select");
        if (option !== null && !option.selected || read.get(node) === node.data) continue;
        if (shown.closest(".aloud, .skip, script, datalist")) continue;
        if (!shown.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        const range = document.createRange();
        range.selectNodeContents(option === null ? node : shown);
        const box = (option === null ? range : shown).getBoundingClientRect();
        if (!box.width || box.bottom <= 0) continue;
        if (box.top >= end && !shown.closest(".sticky")) continue;
        read.set(node, node.data);
        words += node.data.split(/\s+/).filter(each => /[\p{L}\p{N}]/u.test(each)).length;
    }
    return words;
}
"""


def new_words(page: Page, above: str | None = None) -> int:
    """Words that are shown and were not when the page was last read.

    A word is text with a letter or digit. Read is what is on the screen, or from its top down to
    the element `above`; what is folded, and what only a screen reader says, is not; of a menu only
    what is chosen, and of a bar at the bottom of the screen everything.
    """
    words: int = page.evaluate(_READ, above)
    return words
