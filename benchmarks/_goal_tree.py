"""A company with many goals in a deep tree, as tables of the input contract, for measuring what the goal tree costs."""

from __future__ import annotations

from pathlib import Path

import duckdb

LEVELS = 12
"""Fewest levels of the tree, the company goal and the department's counted."""
GOALS_EACH = 3
FAN_OUT = 3
"""Reports of each manager: with as many goals each, the tree of people is :data:`LEVELS` - 2 deep at 180,000 goals."""
PERIODS = ("2026-01-01", "2026-04-01", "2026-07-01")
"""First days of the quarters: two that have ended, and the one that is looked at."""


def write_company(folder: Path, *, goals: int, seed: int) -> Path:
    """Write employees, positions, objectives, goals and progress into ``folder``; ``goals`` is their number in each quarter."""
    folder.mkdir(parents=True, exist_ok=True)
    people = goals // GOALS_EACH
    connection = duckdb.connect()
    connection.execute(f"select setseed({seed / 1000})")
    connection.execute(f"""
      create table people as select range as n, 'p' || lpad(range::text, 7, '0') as employee_id,
        case when range > 0 then ((range - 1) // {FAN_OUT}) end as above from range({people})""")
    tables = {
        "employees": "select employee_id, date '2020-01-01' as hired_on from people",
        "reviews": "select 'r1' as review_id, 'p0000000' as employee_id, date '2025-12-31' as period_end,"
        " date '2025-12-31' as reviewed_on, 3.0::double as rating",
        "positions": """select p.employee_id, date '2020-01-01' as effective_on, m.employee_id as manager_id,
          'd' || (p.n % 40) as department from people p left join people m on m.n = p.above""",
        "objectives": """
          select 'o' || range as objective_id, 'company' as level, null::text as department, null::text as parent_id,
            'm' || range as metric, date '2026-01-01' as effective_on from range(5)
          union all select 'o' || (range // 40) || '-d' || (range % 40), 'department', 'd' || (range % 40),
            'o' || (range // 40), 'm' || (range // 40), date '2026-01-01' from range(200)""",
        "goals": f"""
          select 'g' || k || '-' || q || '-' || p.n as goal_id, p.employee_id, 'm' || ((p.n // 40 + k) % 5) as metric,
            false as core, 100.0 / {GOALS_EACH} as weight, 10 + 90 * random() as target, 'units' as unit,
            case when p.above is null then 'o' || k || '-d0' else 'g' || k || '-' || q || '-' || p.above end as parent_goal_id,
            first as period_start, (first + interval 3 month - interval 1 day)::date as period_end, first as effective_on,
            's' || (p.n % 8) as scope
          from people p, range({GOALS_EACH}) as goals(k),
            (select row_number() over () as q, unnest({list(PERIODS)}::date[]) as first) as periods""",
    }
    for name, query in tables.items():
        connection.execute(f"create table {name} as {query}")
    connection.execute("""
      create table progress as select goal_id, (period_start + interval 86 day) as measured_at,
        target * exp(0.2 * (random() + random() + random() - 1.5)) as actual from goals where period_start < '2026-07-01'
      union all select goal_id, timestamp '2026-07-26', target * 0.28 * exp(0.2 * (random() - 0.5)) from goals
        where period_start = '2026-07-01'""")
    for name in (*tables, "progress"):
        connection.execute(f"copy {name} to '{folder / name}.parquet' (format parquet)")
    connection.close()
    return folder
