// Keys: `/` search, `r` refresh, `g 1` to `g 8` the tabs, `?` what there is.
"use strict";

(() => {
    const dialog = document.getElementById("djt-keys");
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

    const KEYS = {
        "/": search,
        r: () => document.dispatchEvent(new CustomEvent("djtasks:refresh")),
        g: () => {
            awaitsTab = true;
        },
        "?": () => (dialog.open ? dialog.close() : dialog.showModal()),
    };

    function isTyping(target) {
        return target.matches("input, select, textarea, [contenteditable]");
    }

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) {
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

    for (const element of document.querySelectorAll("[data-djt-only-script]")) {
        element.hidden = false;
    }
    if (location.hash === "#search") {
        search();
    }
})();
