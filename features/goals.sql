/*
zh = "目标进展"
en = "Goals"
needs = ["goals", "progress"]

[columns.goals_open]
zh = "进行中的目标数"
en = "number of current goals"
unit = "goals"
owner = "manager"

[columns.goal_lead_mean]
zh = "最近一次记录时目标完成度减去时间进度（按权重平均）"
en = "share of the target reached minus share of the time elapsed, at the last measurement (average by weight)"
unit = "share"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]

[columns.goal_lead_worst]
zh = "落后最多的目标：最近一次记录时完成度减去时间进度"
en = "goal furthest behind: share of the target reached minus share of the time elapsed, at the last measurement"
unit = "share"
direction = "higher"
owner = "employee"

[columns.weight_behind_percent]
zh = "落后目标的权重合计"
en = "total weight of the goals that are behind"
unit = "percent"
direction = "lower"
owner = "employee"
compare = ["team", "peers"]

[columns.core_weight_behind_percent]
zh = "落后核心目标的权重合计"
en = "total weight of the core goals that are behind"
unit = "percent"
direction = "lower"
owner = "employee"

[columns.days_since_progress]
zh = "距最近一次目标进展记录的时间"
en = "time since goal progress was last recorded"
unit = "days"
direction = "lower"
owner = "manager"

[columns.goal_versions]
zh = "进行中目标被修改的次数"
en = "changes made to the current goals"
unit = "changes"
owner = "manager"

[columns.days_since_goal_change]
zh = "距进行中目标最近一次被修改的时间"
en = "time since a current goal was last changed"
unit = "days"
owner = "manager"

[columns.past_attainment]
zh = "以往目标的平均完成率（单个目标至多计200%）"
en = "average attainment of past goals, each counted up to 200 %"
unit = "share"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]

[columns.recent_attainment]
zh = "近92天到期目标的平均完成率（单个目标至多计200%）"
en = "average attainment of the goals that ended in the last 92 days, each counted up to 200 %"
unit = "share"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]
*/
with versions as (
  select goal_id, employee_id, as_of, core, weight, target, definition, period_start, period_end, effective_on,
    row_number() over (partition by goal_id, as_of order by effective_on desc) as back,
    count(*) over (partition by goal_id, as_of) as n
  from goals
),
measured as (
  select goal_id, as_of, measured_at, actual, definition
  from (
    select goal_id, as_of, measured_at, actual, definition,
      row_number() over (partition by goal_id, as_of order by measured_at desc) as back
    from progress
  ) newest
  where back = 1
),
compared as (
  select v.*, m.measured_at,
    case when v.definition <> m.definition then null else m.actual end as actual
  from versions v
  left join measured m on m.goal_id = v.goal_id and m.as_of = v.as_of
  where v.back = 1 and v.period_start < v.as_of
),
now as (
  select employee_id, as_of, core, weight, n - 1 as changes, effective_on, measured_at, actual, period_end,
    case when period_end >= as_of then 1 else 0 end as running,
    actual / target as reached,
    least(date_diff('day', period_start, measured_at::date) / (date_diff('day', period_start, period_end) + 1)::double, 1) as gone
  from compared
)
select employee_id, as_of,
  sum(running) as goals_open,
  sum(case when running = 1 then weight * (reached - gone) end) / sum(case when running = 1 and reached is not null then weight end) as goal_lead_mean,
  min(case when running = 1 then reached - gone end) as goal_lead_worst,
  sum(case when running = 1 and reached < gone - 0.1::double then weight when running = 1 and reached is not null then 0 end) as weight_behind_percent,
  sum(case when running = 1 and core and reached < gone - 0.1::double then weight when running = 1 and core and reached is not null then 0 end)
    as core_weight_behind_percent,
  min(case when running = 1 then date_diff('day', measured_at::date, as_of) end) as days_since_progress,
  sum(case when running = 1 then changes end) as goal_versions,
  min(case when running = 1 and changes > 0 then date_diff('day', effective_on, as_of) end) as days_since_goal_change,
  avg(case when running = 0 and actual is not null then least(reached, 2) end) as past_attainment,
  avg(case when running = 0 and actual is not null and date_diff('day', period_end, as_of) <= 92 then least(reached, 2) end) as recent_attainment
from now
group by employee_id, as_of
