"""The one form: which folder?"""

from pathlib import Path
from typing import Any

from django import forms

from demo_project.library.folders import FolderProblem, folder_at


class FolderForm(forms.Form):
    """Takes the path of a folder; `cleaned_data["folder"]` is a Path that was there just now."""

    folder = forms.CharField(
        max_length=4_000,
        required=False,  # an empty answer gets a better sentence than the browser's
        widget=forms.TextInput(
            attrs={
                "autocapitalize": "off",
                "autocomplete": "off",
                "autocorrect": "off",
                "spellcheck": "false",
                "placeholder": "/home/me/project",
            }
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.errors:
            attributes = {"aria-invalid": "true", "aria-describedby": "folder-problem"}
            self.fields["folder"].widget.attrs |= attributes

    def clean_folder(self) -> Path:
        try:
            return folder_at(self.cleaned_data["folder"])
        except FolderProblem as problem:
            raise forms.ValidationError(str(problem)) from problem
