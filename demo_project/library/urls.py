"""The addresses of the library's pages."""

from django.urls import path

from demo_project.library import views

app_name = "library"

urlpatterns = [
    path("", views.home, name="home"),
    path("readings/<int:pk>/", views.reading, name="reading"),
    path("readings/<int:pk>/report/", views.write_report_again, name="write-report"),
    path("alive/", views.alive, name="alive"),
]
