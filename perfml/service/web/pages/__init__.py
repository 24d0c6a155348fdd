"""The pages by subject: each function collects facts for one template."""

from perfml.service.web.pages.entrance import entrance, public
from perfml.service.web.pages.hr import hr
from perfml.service.web.pages.models import models
from perfml.service.web.pages.person import person

WEB_ROUTERS = (public, entrance, hr, person, models)
