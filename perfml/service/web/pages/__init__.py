"""The pages by subject: each function collects facts for one template."""

from perfml.service.web.pages.entrance import entrance, public
from perfml.service.web.pages.hr import hr

WEB_ROUTERS = (public, entrance, hr)
