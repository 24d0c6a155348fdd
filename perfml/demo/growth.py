"""Courses, enrolments, review comments and gap tags of the simulated company."""

from __future__ import annotations

from typing import Final

import numpy as np

from perfml.arrays import Floats, Ints
from perfml.demo.lives import Lives

GAPS: Final[tuple[tuple[str, str, str], ...]] = (
    ("跨部门协作待加强", "collaboration", "项目推进中与其他部门沟通不足，接口人经常不清楚进度。"),
    ("目标拆解不够清晰", "planning", "季度目标没有拆到周，月底才发现差距。"),
    ("客户沟通不够主动", "communication", "客户提出问题后才响应，缺少主动回访。"),
    ("时间管理待改善", "time_management", "多项任务并行时优先级不清，交付常常拖到最后一天。"),
    ("数据分析能力不足", "data_analysis", "汇报结论缺少数据支撑，需要加强分析方法。"),
    ("谈判技巧需要提升", "negotiation", "报价环节让步过快，毛利受到影响。"),
    ("需要加强带教新人", "coaching", "新同事反馈得到的指导不多。"),
    ("presentation skills", "presentation", "The quarterly presentation was hard to follow."),
    ("产品知识需要更新", "product_knowledge", "对新产品线的介绍不够准确。"),
    ("风险意识不足", "risk_management", "合同条款的风险没有及时上报。"),
)
"""Gap tag, the skill that closes it, and the sentence of a review that supports it."""
PRAISE: Final = (
    "工作扎实，按期完成目标。",
    "本期表现稳定，团队评价良好。",
    "主动承担难点任务，值得肯定。",
    "Reliable work.",
)
LEVELS: Final = (("入门", "Foundations of"), ("进阶", "Advanced"))
SKILL_NAMES: Final[dict[str, tuple[str, str]]] = {
    "collaboration": ("跨部门协作", "collaboration across teams"),
    "planning": ("目标与计划管理", "goal setting and planning"),
    "communication": ("客户沟通", "customer communication"),
    "time_management": ("时间管理", "time management"),
    "data_analysis": ("数据分析", "data analysis"),
    "negotiation": ("商务谈判", "negotiation"),
    "coaching": ("辅导与带教", "coaching"),
    "presentation": ("演讲与汇报", "presentation"),
    "product_knowledge": ("产品知识", "product knowledge"),
    "risk_management": ("合规与风险", "risk management"),
}
ENROLMENTS_PER_YEAR: Final = 0.9
BESIDES: Final[tuple[tuple[str, str, str, list[str], int, float], ...]] = (
    ("c101", "高效沟通七步法", "把话说清楚、听明白：跨部门对齐目标、确认共识的七个步骤。", ["communication"], 2, 6.0),
    ("c102", "影响力工作坊", "不靠职权推动他人：理解对方立场，争取支持，达成协作。", ["influence"], 2, 8.0),
    ("c103", "葡萄酒品鉴", "认识产区与葡萄品种，学会品酒与配餐。", ["wine_tasting"], 1, 3.0),
    ("c104", "数据分析工具概览", "逐一介绍常见的数据分析软件及其界面。", ["data_analysis"], 1, 4.0),
)
"""Courses besides the two of each skill: id, title, summary, skills, level, hours. One of them closes no gap."""

Taken = tuple[Ints, Ints, Ints, Ints, Floats]
"""Enrolments as parallel arrays: person, course, day enrolled, day completed or -1, rating or NaN."""


def courses() -> dict[str, list[object]]:
    """The catalogue by column: two levels of each skill, every third course in English; the advanced one requires the first."""
    rows: dict[str, list[object]] = {}
    for number, (skill, (zh, en)) in enumerate(SKILL_NAMES.items()):
        for step, (zh_level, en_level) in enumerate(LEVELS):
            english = (number + step) % 3 == 2
            row: dict[str, object] = {
                "course_id": f"c{number:02d}{step + 1}",
                "title": f"{en_level} {en}" if english else f"{zh}{zh_level}",
                "summary": f"Cases and exercises on {en}." if english else f"通过案例与练习提升{zh}能力。",
                "skills": [skill] if step == 0 else [skill, tuple(SKILL_NAMES)[(number + 3) % len(SKILL_NAMES)]],
                "level": 1 + 2 * step + number % 2,
                "hours": 4.0 + 4.0 * step + number % 3,
                "language": "en" if english else "zh",
                "prerequisites": [f"c{number:02d}1"] if step else [],
                "seats": 20 + 5 * (number % 4),
            }
            for name, cell in row.items():
                rows.setdefault(name, []).append(cell)
    for course_id, title, summary, skills, level, hours in BESIDES:
        row = {"course_id": course_id, "title": title, "summary": summary, "skills": skills, "level": level}
        for name, cell in (row | {"hours": hours, "language": "zh", "prerequisites": [], "seats": 40}).items():
            rows[name].append(cell)
    return rows


def enrolments(lives: Lives, rng: np.random.Generator) -> Taken:
    """Draw enrolments in the courses by skill, independent of gaps; each pair of person and course at most once."""
    catalogue = 2 * len(SKILL_NAMES)
    until = np.minimum(lives.exited[: lives.people], lives.end)
    since = np.maximum(lives.hired[: lives.people], lives.start)
    count = rng.poisson(np.maximum(until - since, 0) / 365.25 * ENROLMENTS_PER_YEAR)
    person = np.repeat(np.arange(lives.people), count)
    day = since[person] + (rng.random(len(person)) * (until - since)[person]).astype(np.int64)
    popular = 1.0 / (1 + np.arange(catalogue)) ** 0.5
    course = (rng.choice(catalogue, len(person), p=popular / popular.sum()) + 2 * lives.role[person]) % catalogue
    _, first = np.unique(person * catalogue + course, return_index=True)
    first = first[np.argsort(day[first], kind="stable")]
    person, course, day = person[first], course[first], day[first]
    done = day + rng.integers(14, 76, len(day))
    finished = (rng.random(len(day)) < 0.72) & (done < until[person])
    rating = np.where(finished & (rng.random(len(day)) < 0.7), np.rint(rng.normal(4.0, 0.7, len(day))), np.nan)
    return person, course, day, np.where(finished, done, -1), np.clip(rating, 1, 5)


def gaps(rating: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Draw the gaps named in each review: two columns of indices into `GAPS`, -1 for none; more in poor reviews."""
    chance = np.select([rating <= 2, rating == 3], [0.9, 0.5], 0.12)
    first = np.where(rng.random(len(rating)) < chance, rng.integers(0, len(GAPS), len(rating)), -1)
    more = (first >= 0) & (rng.random(len(rating)) < 0.3)
    return first, np.where(more, (first + rng.integers(1, len(GAPS), len(rating))) % len(GAPS), -1)


def comments(rating: Floats, first: Ints, second: Ints, *, rng: np.random.Generator) -> list[str]:
    """The reviewer's comment: praise unless the rating is low, then the sentence of each gap."""
    praise = rng.integers(0, len(PRAISE), len(rating))
    return [
        "".join([PRAISE[p] if score > 2 else "本期未达预期。", *(GAPS[gap][2] for gap in gaps if gap >= 0)])
        for score, p, *gaps in zip(rating, praise, first, second, strict=True)
    ]
