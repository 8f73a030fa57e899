"""How many words of a page a person reads: those on the screen, each once."""

from playwright.sync_api import Page

_READ = r"""
([above, within]) => {
    const read = (window.alreadyRead ??= new WeakMap());
    const below = above === null ? null : document.querySelector(above);
    const end = below === null ? innerHeight : below.getBoundingClientRect().top;
    const walker = document.createTreeWalker(document.querySelector(within), NodeFilter.SHOW_TEXT);
    let words = 0;
    while (walker.nextNode()) {
        const node = walker.currentNode, option = node.parentElement.closest("option");
        const shown = option === null ? node.parentElement : option.closest("select");
        if (option !== null && !option.selected || read.get(node) === node.data) continue;
        if (shown.closest(".aloud, .skip, datalist")) continue;
        if (!shown.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
        const part = document.createRange(), isBar = shown.closest(".sticky") !== null;
        for (const word of node.data.matchAll(/\S*[\p{L}\p{N}]\S*/gu)) {
            part.setStart(node, word.index);
            part.setEnd(node, word.index + word[0].length);
            const box = (option === null ? part : shown).getBoundingClientRect();
            if (!box.width || box.top < 0 || box.bottom > end && !isBar) continue;
            words += 1;
            read.set(node, node.data);
        }
    }
    return words;
}
"""


def new_words(page: Page, above: str | None = None, within: str = "main") -> int:
    """Words of a part of a page that are shown and were not when it was last read.

    A word has a letter or digit. Read is what is on the screen, or from its top down to the element
    `above`; what is folded, and what only a screen reader says, is not; of a menu only what is
    chosen, and of a bar at the bottom of the screen everything.
    """
    words: int = page.evaluate(_READ, [above, within])
    return words
