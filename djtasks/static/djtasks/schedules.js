// Keeps the panel of the next runs in step with what is typed; nothing is saved.
"use strict";

(() => {
    const PAUSE = 300;

    const form = document.querySelector("form[data-djt-preview]");
    const panel = document.getElementById("djt-preview");
    if (!form || !panel) {
        return;
    }
    let timer = 0;
    let asking = null;

    async function show() {
        asking?.abort();
        asking = new AbortController();
        try {
            const answer = await fetch(form.dataset.djtPreview, {
                method: "POST",
                body: new FormData(form),
                credentials: "same-origin",
                signal: asking.signal,
            });
            if (answer.ok && !answer.redirected) {
                panel.innerHTML = await answer.text();
            }
        } catch (error) {
            if (error.name !== "AbortError") {
                return; // the panel stays as it was; the button below asks again
            }
        }
    }

    form.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(show, PAUSE);
    });
})();
