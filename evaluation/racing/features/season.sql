/*
zh = "赛季进程"
en = "Season"
needs = ["evidence"]
reads = [
  "races_91d", "races_182d", "races_334d", "races_364d", "not_finished_91d", "not_finished_182d", "not_finished_364d",
]

[columns.races_a_year_ago]
zh = "去年同期30天参赛次数"
en = "races in the same 30 days a year ago"
unit = "races"
owner = "company"

[columns.not_finished_share_91d]
zh = "近91天未完赛比例"
en = "share of races of the last 91 days not finished"
unit = "share"
owner = "employee"

[columns.not_finished_share_182d]
zh = "近182天未完赛比例"
en = "share of races of the last 182 days not finished"
unit = "share"
owner = "employee"

[columns.not_finished_share_364d]
zh = "近364天未完赛比例"
en = "share of races of the last 364 days not finished"
unit = "share"
owner = "employee"
*/
select employee_id, as_of,
  races_364d - races_334d as races_a_year_ago,
  not_finished_91d / nullif(races_91d, 0) as not_finished_share_91d,
  not_finished_182d / nullif(races_182d, 0) as not_finished_share_182d,
  not_finished_364d / nullif(races_364d, 0) as not_finished_share_364d
from evidence
