from django.db import models


class Order(models.Model):
    customer = models.CharField(max_length=100)
    packed = models.BooleanField(default=False)
    charged = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.customer
