// Keeps a page's live region current: polls the page's own address and merges what comes back.
//
// Rests in hidden tabs, and leaves a region alone in which somebody types, has typed or has ticked rows.
"use strict";

(() => {
    const STORED = "djtasks.refresh";
    const OPTIONS = { morphStyle: "outerHTML", callbacks: { beforeAttributeUpdated: keepOpen } };

    const chooser = document.querySelector("[data-djt-refresh]");
    const status = document.querySelector("[data-djt-status]");
    let etag = "";
    let timer = 0;
    let asking = null;

    // What the person opened or closed stays as it is.
    function keepOpen(name, element) {
        return !(name === "open" && element.tagName === "DETAILS");
    }

    function region() {
        return document.querySelector("[data-djt-live]");
    }

    function isUnsent(field) {
        return field.value !== field.defaultValue;
    }

    function inUse(element) {
        const focused = document.activeElement;
        const typing = element.contains(focused) && focused.matches("input, select, textarea");
        return (
            typing ||
            [...element.querySelectorAll('input[type="text"]')].some(isUnsent) ||
            element.querySelector("input:checked, dialog[open]") !== null
        );
    }

    function seconds() {
        return Number(chooser.querySelector("select").value);
    }

    function say(text, problem = false) {
        status.textContent = text;
        status.classList.toggle("djt-bad-text", problem);
    }

    function plan() {
        clearTimeout(timer);
        if (seconds() > 0 && !document.hidden) {
            timer = setTimeout(refresh, seconds() * 1000);
        }
    }

    async function ask() {
        asking?.abort();
        asking = new AbortController();
        const headers = { "X-Djtasks-Live": "1" };
        if (etag) {
            headers["If-None-Match"] = etag;
        }
        return fetch(location.href, { headers, credentials: "same-origin", signal: asking.signal });
    }

    function show(answer, html) {
        if (inUse(region())) {
            return;
        }
        etag = answer.headers.get("ETag") ?? "";
        Idiomorph.morph(region(), html, OPTIONS);
        document.dispatchEvent(new CustomEvent("djtasks:refreshed"));
    }

    async function refresh() {
        clearTimeout(timer);
        try {
            const answer = await ask();
            if (answer.redirected) {
                say(status.dataset.signedOut, true);
                return;
            }
            if (answer.status === 200) {
                show(answer, await answer.text());
            }
            if (answer.status === 200 || answer.status === 304) {
                say(`${status.dataset.updated} ${new Date().toLocaleTimeString()}`);
            } else {
                say(`${status.dataset.failed} (${answer.status})`, true);
            }
        } catch (error) {
            if (error.name === "AbortError") {
                return;
            }
            say(status.dataset.failed, true);
        }
        plan();
    }

    if (!chooser || !region()) {
        return;
    }
    const select = chooser.querySelector("select");
    const stored = localStorage.getItem(STORED);
    if ([...select.options].some((option) => option.value === stored)) {
        select.value = stored;
    }
    select.addEventListener("change", () => {
        localStorage.setItem(STORED, select.value);
        plan();
    });
    document.addEventListener("visibilitychange", () => (document.hidden ? plan() : refresh()));
    document.addEventListener("djtasks:refresh", refresh);
    chooser.hidden = false;
    plan();
})();
