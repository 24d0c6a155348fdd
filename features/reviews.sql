/*
zh = "绩效历史"
en = "Review history"
needs = ["reviews"]

[columns.last_rating]
zh = "最近一次绩效评级"
en = "rating at the last review"
unit = "rating"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]

[columns.previous_rating]
zh = "再上一次绩效评级"
en = "rating at the review before the last"
unit = "rating"
direction = "higher"
owner = "employee"

[columns.rating_change]
zh = "最近两次评价之间的评级变化"
en = "change in rating between the last two reviews"
unit = "rating"
direction = "higher"
owner = "employee"
compare = ["team", "peers"]
change = ["previous_rating", "last_rating"]

[columns.mean_rating]
zh = "历次平均评级"
en = "average of all ratings so far"
unit = "rating"
direction = "higher"
owner = "employee"

[columns.lowest_rating]
zh = "历次最低评级"
en = "lowest rating so far"
unit = "rating"
direction = "higher"
owner = "employee"

[columns.reviews_365d]
zh = "近365天绩效评价次数"
en = "reviews in the last 365 days"
unit = "reviews"
owner = "company"

[columns.days_since_review]
zh = "距最近一次绩效评价的时间"
en = "time since the last review"
unit = "days"
owner = "manager"

[columns.last_rater_mean]
zh = "最近一位评价者给出的平均评级"
en = "average rating given by the last reviewer"
unit = "rating"
owner = "manager"

[columns.same_rater]
zh = "最近两次评价是否由同一人作出"
en = "whether the last two reviews came from the same reviewer"
unit = "yes or no"
owner = "company"
*/
with ordered as (
  select employee_id, as_of, reviewer_id, rating, reviewed_on,
    row_number() over (partition by employee_id, as_of order by reviewed_on desc, period_end desc, review_id desc) as back
  from reviews
),
raters as (
  select reviewer_id, as_of, avg(rating) as rater_mean from reviews where reviewer_id is not null group by reviewer_id, as_of
),
wide as (
  select employee_id, as_of,
    max(case when back = 1 then rating end) as last_rating,
    max(case when back = 2 then rating end) as previous_rating,
    max(case when back = 1 then reviewer_id end) as last_rater,
    max(case when back = 2 then reviewer_id end) as previous_rater,
    max(reviewed_on) as reviewed_on,
    avg(rating) as mean_rating,
    min(rating) as lowest_rating,
    sum(case when date_diff('day', reviewed_on, as_of) <= 365 then 1 else 0 end) as reviews_365d
  from ordered
  group by employee_id, as_of
)
select w.employee_id, w.as_of, w.last_rating, w.previous_rating,
  w.last_rating - w.previous_rating as rating_change,
  w.mean_rating, w.lowest_rating, w.reviews_365d,
  date_diff('day', w.reviewed_on, w.as_of) as days_since_review,
  r.rater_mean as last_rater_mean,
  case when w.last_rater = w.previous_rater then 1 when w.last_rater <> w.previous_rater then 0 end as same_rater
from wide w
left join raters r on r.reviewer_id = w.last_rater and r.as_of = w.as_of
