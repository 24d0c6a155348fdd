/*
zh = "职级与团队"
en = "Career and team"
needs = ["positions"]

[columns.level]
zh = "职级"
en = "level"
unit = "level"
owner = "company"
reason = "career:level"

[columns.days_in_level]
zh = "在当前职级的时间"
en = "time at the current level"
unit = "days"
owner = "company"
compare = ["team", "peers"]
reason = "career:level"

[columns.days_in_position]
zh = "距最近一次任职变动的时间"
en = "time since the last position change"
unit = "days"
owner = "company"
compare = ["team", "peers"]
reason = "career:level"

[columns.level_changes]
zh = "职级变动次数"
en = "level changes so far"
unit = "changes"
owner = "company"
reason = "career:level"

[columns.manager_changes_365d]
zh = "近365天更换上级的次数"
en = "manager changes in the last 365 days"
unit = "changes"
direction = "lower"
owner = "company"
compare = ["team", "peers"]
reason = "career:manager"

[columns.days_with_manager]
zh = "与当前上级共事的时间"
en = "time with the current manager"
unit = "days"
owner = "company"
reason = "career:manager"

[columns.team_size]
zh = "团队人数（含本人）"
en = "team size, including the person"
unit = "people"
owner = "company"
reason = "career:team"

[columns.reports]
zh = "直接下属人数"
en = "direct reports"
unit = "people"
owner = "company"
reason = "career:team"
*/
with steps as (
  select employee_id, as_of, effective_on, manager_id, level,
    lag(level) over (partition by employee_id, as_of order by effective_on) as level_before,
    lag(manager_id) over (partition by employee_id, as_of order by effective_on) as manager_before,
    row_number() over (partition by employee_id, as_of order by effective_on) as nth
  from positions
),
path as (
  select employee_id, as_of,
    max(case when nth = 1 or level is distinct from level_before then effective_on end) as level_since,
    count(level) as levels_known,
    max(case when nth = 1 or manager_id is distinct from manager_before then effective_on end) as manager_since,
    max(effective_on) as position_since,
    sum(case when nth > 1 and level is distinct from level_before then 1 else 0 end) as level_changes,
    sum(case when nth > 1 and manager_id is distinct from manager_before and date_diff('day', effective_on, as_of) <= 365
      then 1 else 0 end) as manager_changes_365d
  from steps
  group by employee_id, as_of
),
teams as (
  select manager_id, as_of, count(*) as n from people where manager_id is not null group by manager_id, as_of
)
select p.employee_id, p.as_of, p.level,
  case when p.level is not null then date_diff('day', s.level_since, p.as_of) end as days_in_level,
  date_diff('day', s.position_since, p.as_of) as days_in_position,
  case when s.levels_known > 0 then s.level_changes end as level_changes, s.manager_changes_365d,
  case when p.manager_id is not null then date_diff('day', s.manager_since, p.as_of) end as days_with_manager,
  t.n as team_size,
  coalesce(r.n, 0) as reports
from people p
join path s on s.employee_id = p.employee_id and s.as_of = p.as_of
left join teams t on t.manager_id = p.manager_id and t.as_of = p.as_of
left join teams r on r.manager_id = p.employee_id and r.as_of = p.as_of
