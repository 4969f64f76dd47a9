"""An admin site with orders and the tasks about them, and none of our own pages."""

from django.contrib import admin
from django.urls import path

from djtasks.admin import TaskHistoryInline
from tests.shop.models import Order


class OrderAdmin(admin.ModelAdmin):
    inlines = (TaskHistoryInline,)


site = admin.AdminSite(name="admin")
site.register(Order, OrderAdmin)

urlpatterns = [path("admin/", site.urls)]
