/*
zh = "学习"
en = "Learning"
needs = ["enrolments"]

[columns.courses_completed_365d]
zh = "近365天完成的课程数"
en = "courses completed in the last 365 days"
unit = "courses"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]

[columns.courses_open]
zh = "已选未完成的课程数"
en = "courses started but not finished"
unit = "courses"
owner = "employee"

[columns.completion_share]
zh = "已选课程的完成比例"
en = "share of the courses started that were finished"
unit = "share"
direction = "higher"
owner = "employee"

[columns.days_since_enrolment]
zh = "距最近一次选课的时间"
en = "time since the last enrolment"
unit = "days"
direction = "lower"
owner = "employee"
compare = ["team", "peers"]
*/
select employee_id, as_of,
  sum(case when date_diff('day', completed_on, as_of) <= 365 then 1 else 0 end) as courses_completed_365d,
  sum(case when completed_on is null then 1 else 0 end) as courses_open,
  count(completed_on) / count(*)::double as completion_share,
  date_diff('day', max(enrolled_on), as_of) as days_since_enrolment
from enrolments
group by employee_id, as_of
