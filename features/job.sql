/*
zh = "岗位与司龄"
en = "Job and tenure"
needs = ["people"]

[columns.tenure_days]
zh = "在职时间"
en = "time since joining the company"
unit = "days"
owner = "company"
compare = ["team", "peers"]
reason = "job:tenure"
*/
select employee_id, as_of, date_diff('day', hired_on, as_of) as tenure_days
from people
