/*
zh = "目标变更的沟通"
en = "Discussion of changed goals"
needs = ["evidence"]
reads = ["goals_open", "days_since_goal_change", "feedback_received_days_since_last"]

[columns.days_changed_undiscussed]
zh = "进行中目标被修改后一直没有反馈的时间"
en = "time since a current goal was changed, with no feedback since"
unit = "days"
direction = "lower"
owner = "manager"
*/
select employee_id, as_of,
  case
    when goals_open is null then null
    when days_since_goal_change < feedback_received_days_since_last then days_since_goal_change
    when feedback_received_days_since_last is null and days_since_goal_change is not null then days_since_goal_change
    else 0
  end as days_changed_undiscussed
from evidence
