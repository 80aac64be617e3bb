select
    carrier as airline,
    origin,
    dep_delay + coalesce(arr_delay, 0) as delay
from {{ ref('flights') }}
where dep_delay is not null
