INSERT INTO hourly_calls
(
    started_at, integration, external_number, local_hour, working, local_day, weekday, calls, received,
    answered, missed, short_abandons, outgoing, reached, internal, hidden, transferred, incoming_talk_ms,
    outgoing_talk_ms, answered_wait_ms, answered_waits, missed_wait_ms, missed_waits, longest_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s,
    all_answered, answered_external, answered_without_recording, going_on, without_end, start_inexact,
    end_inexact, talk_inexact, answered_by_duration, bad_times, direction_unknown, outcome_unknown,
    number_unknown, first_call_at, last_call_at, version, is_deleted
)
SELECT
    started_at, integration, external_number, local_hour, working, local_day, weekday, calls, received,
    answered, missed, short_abandons, outgoing, reached, internal, hidden, transferred, incoming_talk_ms,
    outgoing_talk_ms, answered_wait_ms, answered_waits, missed_wait_ms, missed_waits, longest_wait_ms,
    answered_in_10s, answered_in_20s, answered_in_30s, answered_in_60s, answered_in_target, target_s,
    all_answered, answered_external, answered_without_recording, going_on, without_end, start_inexact,
    end_inexact, talk_inexact, answered_by_duration, bad_times, direction_unknown, outcome_unknown,
    number_unknown, first_call_at, last_call_at, {version} AS version, 0 AS is_deleted
FROM live_hourly_calls
WHERE started_at >= {from} AND started_at < {to};

-- What it has in the span and was not written anew is no more.
INSERT INTO hourly_calls ({columns}, version, is_deleted)
SELECT {columns}, {version} AS version, 1 AS is_deleted
FROM hourly_calls AS t FINAL
WHERE t.version < {version} AND started_at >= {from} AND started_at < {to};
