/*
zh = "落后的目标"
en = "Goals that are behind"
needs = ["goals", "progress"]

[columns.days_behind]
zh = "落后最多的目标已连续落后的时间"
en = "time for which the goal furthest behind has been behind without a break"
unit = "days"
direction = "lower"
owner = "manager"

[columns.behind_reached]
zh = "落后最多的目标已完成的比例"
en = "share of its target that the goal furthest behind has reached"
unit = "share"
direction = "higher"
owner = "employee"

[columns.behind_elapsed]
zh = "落后最多的目标已过去的时间比例"
en = "share of its period that had passed when the goal furthest behind was last measured"
unit = "share"
owner = "employee"
*/
with versions as (
  select goal_id, employee_id, as_of, target, definition, period_start, period_end,
    row_number() over (partition by goal_id, as_of order by effective_on desc) as back
  from goals
),
running as (
  select goal_id, employee_id, as_of, target, definition, period_start, period_end
  from versions
  where back = 1 and period_start < as_of and period_end >= as_of
),
measured as (
  select r.goal_id, r.employee_id, r.as_of, p.measured_at, p.actual / r.target as reached,
    least(date_diff('day', r.period_start, p.measured_at::date) / (date_diff('day', r.period_start, r.period_end) + 1)::double, 1) as gone,
    row_number() over (partition by r.goal_id, r.as_of order by p.measured_at desc) as back
  from running r
  join progress p on p.goal_id = r.goal_id and p.as_of = r.as_of
  where coalesce(p.definition = r.definition, true)
),
marked as (
  select goal_id, employee_id, as_of, measured_at, reached, gone, back, reached < gone - 0.1::double as late
  from measured
),
stretches as (
  select goal_id, employee_id, as_of,
    max(case when back = 1 then reached end) as reached,
    max(case when back = 1 then gone end) as gone,
    max(case when not late then measured_at end) as last_well
  from marked
  group by goal_id, employee_id, as_of
),
since as (
  select s.goal_id, s.employee_id, s.as_of, s.reached, s.gone, min(m.measured_at) as late_since
  from stretches s
  left join marked m on m.goal_id = s.goal_id and m.as_of = s.as_of and m.late
    and (s.last_well is null or m.measured_at > s.last_well)
  group by s.goal_id, s.employee_id, s.as_of, s.reached, s.gone
),
ordered as (
  select employee_id, as_of, reached, gone, late_since,
    row_number() over (partition by employee_id, as_of order by reached - gone, goal_id) as worst
  from since
)
select employee_id, as_of,
  case when late_since is null then 0 else date_diff('day', late_since::date, as_of) end as days_behind,
  reached as behind_reached,
  gone as behind_elapsed
from ordered
where worst = 1
