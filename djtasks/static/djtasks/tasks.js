// One box that ticks all rows of the page.
"use strict";

(() => {
    function rows() {
        return [...document.querySelectorAll('input[name="id"][form="djt-bulk"]')];
    }

    function show() {
        const all = document.querySelector("[data-djt-tick-all]");
        const ticked = rows().filter((row) => row.checked).length;
        if (all) {
            all.hidden = false;
            all.checked = ticked > 0 && ticked === rows().length;
            all.indeterminate = ticked > 0 && ticked < rows().length;
        }
    }

    document.addEventListener("change", (event) => {
        if (event.target.matches("[data-djt-tick-all]")) {
            for (const row of rows()) {
                row.checked = event.target.checked;
            }
        }
        if (event.target.matches('[name="id"], [data-djt-tick-all]')) {
            show();
        }
    });
    document.addEventListener("djtasks:refreshed", show);
    show();
})();
