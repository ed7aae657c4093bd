/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/engine/relay_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { PATIENCE_S = 60, TURN_US = 1000, TOLD = 64 };

static uint32_t record_read(void *source, uint32_t max, recorder_packet_fn *fn, void *arg)
{
	return engine_tapped(source, TAP_RECORD, max, fn, arg);
}

static void record_open(struct relay_record *r, struct engine *e,
			const struct relay_record_terms *t)
{
	struct recorder_settings s = { .read = record_read,
				       .source = e,
				       .memory_mib = t->memory_mib,
				       .recordings_max = RECORDINGS_MAX };
	int err;

	(void)snprintf(s.folder, sizeof(s.folder), "%s", t->folder);
	recorder_setup();
	err = recorder_open(&r->recorder, &s);
	if (err) {
		(void)fprintf(stderr, "relay: recorder: %s\n", strerror(-err));
		exit(1);
	}
}

static void record_reply(struct relay_record *r)
{
	struct recorder_results told[TOLD];
	uint32_t n = recorder_results(r->recorder, told, TOLD);

	for (uint32_t i = 0; i < n; i++) {
		r->ended += told[i].event == RECORDER_ENDED;
		r->failed += told[i].event == RECORDER_FAILED;
	}
}

void relay_record_begin(struct relay_record *r, struct engine *e,
			const struct relay_record_terms *t)
{
	r->calls = t->calls;
	record_open(r, e, t);
	for (uint32_t i = 0; i < t->calls; i++) {
		const struct record_terms terms = { .call = relay_record_call(i * 2),
						    .number = RELAY_RECORD_NUMBER,
						    .segment = 1,
						    .tenant = "bench",
						    .format = t->format,
						    .begun_utc_ms = clock_utc_ms() };

		while (!recorder_start(r->recorder, &terms, (struct bytes){ 0 })) {
			record_reply(r);
			(void)usleep(TURN_US);
		}
	}
}

void relay_record_end(struct relay_record *r)
{
	uint64_t patience_ns = clock_now_ns() + PATIENCE_S * NS_PER_S;

	for (uint32_t i = 0; i < r->calls; i++) {
		while (!recorder_end(r->recorder, relay_record_call(i * 2), RELAY_RECORD_NUMBER,
				     true, BYTES_LIT(""))) {
			record_reply(r);
			(void)usleep(TURN_US);
		}
	}
	while (r->ended + r->failed < r->calls && clock_now_ns() < patience_ns) {
		record_reply(r);
		(void)usleep(TURN_US);
	}
	recorder_close(r->recorder);
}
