/*
zh = "团队流动"
en = "Team turnover"
needs = ["positions", "exits"]

[columns.team_exits_182d]
zh = "近182天团队离职人数"
en = "people who left the team in the last 182 days"
unit = "people"
direction = "lower"
owner = "manager"

[columns.department_exit_share_182d]
zh = "近182天部门离职比例"
en = "share of the department that left in the last 182 days"
unit = "share"
direction = "lower"
owner = "company"
*/
with last_position as (
  select employee_id, as_of, manager_id, department,
    row_number() over (partition by employee_id, as_of order by effective_on desc) as back
  from positions
),
gone as (
  select x.employee_id, x.as_of, p.manager_id, p.department
  from exits x
  join last_position p on p.employee_id = x.employee_id and p.as_of = x.as_of and p.back = 1
  where date_diff('day', x.exited_on, x.as_of) <= 182
),
gone_of_team as (select manager_id, as_of, count(*) as n from gone group by manager_id, as_of),
gone_of_department as (select department, as_of, count(*) as n from gone group by department, as_of),
size_of_department as (select department, as_of, count(*) as n from people group by department, as_of)
select p.employee_id, p.as_of,
  case when p.manager_id is not null then coalesce(t.n, 0) end as team_exits_182d,
  case when p.department is not null then coalesce(d.n, 0) / (coalesce(d.n, 0) + s.n)::double end as department_exit_share_182d
from people p
left join gone_of_team t on t.manager_id = p.manager_id and t.as_of = p.as_of
left join gone_of_department d on d.department = p.department and d.as_of = p.as_of
left join size_of_department s on s.department = p.department and s.as_of = p.as_of
