select
    airline,
    avg(delay) as mean_delay,
    count(*) as departures
from {{ ref('departures') }}
group by airline
