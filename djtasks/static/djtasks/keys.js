// Keys: `/` search, `j` and `k` rows, `x` tick, `r` refresh, `g 1` to `g 8` the tabs, `?` what there is.
//
// Rows are chosen by focusing their links, so Enter opens one and a screen reader says which it is.
"use strict";

(() => {
    const STORED = "djtasks.keys";
    const ROWS = '.djt tbody th[scope="row"] a, .djt .djt-picks a, .djt [data-djt-row]';
    const TYPED = "input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]";

    const dialog = document.getElementById("djt-keys");
    const choice = dialog.querySelector("[data-djt-keys-on]");
    let awaitsTab = false;

    function search() {
        const field = document.querySelector("[data-djt-search]");
        if (field) {
            field.focus();
            field.select();
            return;
        }
        const tasks = document.querySelector("[data-djt-search-page]");
        if (tasks) {
            location.href = `${tasks.href}#search`;
        }
    }

    function open(number) {
        document.querySelectorAll(".djt-nav a")[number - 1]?.click();
    }

    function rowOf(element) {
        return element.closest("tr, article, li");
    }

    // From the row that has the focus, else from the first or the last one.
    function move(by) {
        const links = [...document.querySelectorAll(ROWS)].filter((link) => link.offsetParent);
        const here = rowOf(document.activeElement);
        const place = here ? links.findIndex((link) => rowOf(link) === here) : -1;
        const next = place < 0 ? Math.min(by, 0) : Math.max(place + by, 0);
        links.at(Math.min(next, links.length - 1))?.focus();
    }

    function tick() {
        rowOf(document.activeElement)?.querySelector('input[type="checkbox"][name="id"]')?.click();
    }

    function show() {
        if (dialog.open) {
            dialog.close();
        } else {
            dialog.showModal();
        }
    }

    const KEYS = {
        "/": search,
        j: () => move(1),
        k: () => move(-1),
        x: tick,
        r: () => document.dispatchEvent(new CustomEvent("djtasks:refresh")),
        g: () => {
            awaitsTab = true;
        },
        "?": show,
    };

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
            return;
        }
        if (event.key === "Escape" && !dialog.open && event.target.closest(".djt")) {
            event.target.blur();
        }
        if (!choice.checked || event.target.matches(TYPED) || (dialog.open && event.key !== "?")) {
            return;
        }
        if (awaitsTab && /^[1-9]$/.test(event.key)) {
            open(Number(event.key));
        }
        awaitsTab = false;
        const act = KEYS[event.key];
        if (act) {
            event.preventDefault();
            act();
        }
    });

    choice.checked = localStorage.getItem(STORED) !== "off";
    choice.addEventListener("change", () => {
        localStorage.setItem(STORED, choice.checked ? "on" : "off");
    });
    document.querySelector("[data-djt-keys]").addEventListener("click", show);
    for (const element of document.querySelectorAll("[data-djt-only-script]")) {
        element.hidden = false;
    }
    if (location.hash === "#search") {
        search();
    }
})();
