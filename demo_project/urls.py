"""The demo's addresses: the library at the top, Django's admin beside it."""

from django.contrib import admin
from django.urls import include, path

admin.site.site_header = "Code library"
admin.site.site_title = "Code library"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("demo_project.library.urls")),
]
