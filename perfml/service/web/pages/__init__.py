"""The pages by subject: each function collects facts for one template."""

from perfml.service.web.pages.access import access
from perfml.service.web.pages.entry.entrance import entrance, public
from perfml.service.web.pages.entry.oidc_sign_in import oidc_sign_in
from perfml.service.web.pages.entry.sign_in import sign_in
from perfml.service.web.pages.goals.ahead import ahead
from perfml.service.web.pages.goals.indicators import indicators
from perfml.service.web.pages.goals.network import network_page
from perfml.service.web.pages.goals.policies import policies
from perfml.service.web.pages.goals.process_debt import process_debt
from perfml.service.web.pages.hr import hr
from perfml.service.web.pages.models import models
from perfml.service.web.pages.oversight import oversight
from perfml.service.web.pages.overview import overview
from perfml.service.web.pages.people.one_to_one import one_to_one
from perfml.service.web.pages.people.own import own
from perfml.service.web.pages.people.own_disputes import own_disputes
from perfml.service.web.pages.people.targets import targets
from perfml.service.web.pages.people.team import team
from perfml.service.web.pages.person import person
from perfml.service.web.pages.runs import runs
from perfml.service.web.pages.work import work

WEB_ROUTERS = (
    *(public, sign_in, oidc_sign_in, entrance),
    *(
        hr,
        work,
        overview,
        person,
        models,
        runs,
        oversight,
        indicators,
        process_debt,
        network_page,
        ahead,
        policies,
        access,
    ),
    *(team, one_to_one, own_disputes, own, targets),
)
