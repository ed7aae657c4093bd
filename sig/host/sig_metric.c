/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of the signalling core: counters, gauges and histograms with their names, labels and
 * help texts, registered once at start. Every refusal and dropped message is counted under its
 * reason, so operators see why. Audio quality is taken from the CDRs, by direction. */

#include <assert.h>
#include <pthread.h>

#include "base/log.h"
#include "base/metric.h"
#include "sig/host/sig_metric.h"

enum { BOUNDS_MAX = 8, WHOLE = 10000 };

enum direction { HEARD, TOLD, DIRECTIONS }; /* of the party; by the party, in its RTCP */

#define BOUND(way, value, text)                                  \
	{                                                        \
		(value), "direction=\"" way "\",le=\"" text "\"" \
	}
#define BOTH(bounds)                         \
	{                                    \
		{ bounds(BOUND, "in") },     \
		{                            \
			bounds(BOUND, "out") \
		}                            \
	}
#define MOS_BOUNDS(X, way)                                                            \
	X(way, 200, "2"), X(way, 260, "2.6"), X(way, 310, "3.1"), X(way, 360, "3.6"), \
		X(way, 400, "4"), X(way, 430, "4.3"), X(way, UINT64_MAX, "+Inf")
#define LOSS_BOUNDS(X, way)                                                            \
	X(way, 0, "0"), X(way, 50, "0.005"), X(way, 100, "0.01"), X(way, 300, "0.03"), \
		X(way, 500, "0.05"), X(way, 1000, "0.1"), X(way, 3000, "0.3"),         \
		X(way, UINT64_MAX, "+Inf")
#define JITTER_BOUNDS(X, way)                                                        \
	X(way, 1000, "0.001"), X(way, 5000, "0.005"), X(way, 10000, "0.01"),         \
		X(way, 20000, "0.02"), X(way, 50000, "0.05"), X(way, 100000, "0.1"), \
		X(way, 500000, "0.5"), X(way, UINT64_MAX, "+Inf")
#define RTT_BOUNDS(X, way)                                                           \
	X(way, 10000, "0.01"), X(way, 50000, "0.05"), X(way, 100000, "0.1"),         \
		X(way, 200000, "0.2"), X(way, 300000, "0.3"), X(way, 500000, "0.5"), \
		X(way, 1000000, "1"), X(way, UINT64_MAX, "+Inf")

enum histogram_kind { MOS, LOSS, JITTER, RTT, HISTOGRAMS };

static const struct {
	const char *name, *help;
	uint32_t per;
	struct histogram_bound bounds[DIRECTIONS][BOUNDS_MAX];
} g_kinds[HISTOGRAMS] = {
	[MOS] = { "tandem_call_mos", "Estimated MOS of audio at the end of calls", 100,
		  BOTH(MOS_BOUNDS) },
	[LOSS] = { "tandem_call_loss_ratio",
		   "Packets of audio lost, at the end of calls, of all that were sent", WHOLE,
		   BOTH(LOSS_BOUNDS) },
	[JITTER] = { "tandem_call_jitter_seconds",
		     "Interarrival jitter of audio at the end of calls", 1000000,
		     BOTH(JITTER_BOUNDS) },
	[RTT] = { "tandem_call_rtt_seconds",
		  "Round trip to the party and back at the end of calls, where it is known",
		  1000000, BOTH(RTT_BOUNDS) },
};

static struct histogram g_histograms[HISTOGRAMS][DIRECTIONS];

static bool sound_is_known(enum histogram_kind h, enum direction d)
{
	return h != RTT || d == TOLD; /* there is but one, and the party's reports give it */
}

void sound_metrics_open(void)
{
	static const char *const directions[DIRECTIONS] = { "direction=\"in\"",
							    "direction=\"out\"" };

	if (g_histograms[0][0].bounds)
		return; /* all shards have the same */
	for (enum histogram_kind h = 0; h < HISTOGRAMS; h++) {
		for (enum direction d = 0; d < DIRECTIONS; d++) {
			if (sound_is_known(h, d))
				histogram_open(&g_histograms[h][d], g_kinds[h].name, directions[d],
					       g_kinds[h].help, g_kinds[h].bounds[d],
					       g_kinds[h].per);
		}
	}
}

static void sound_metric_add(enum histogram_kind h, enum direction d, uint32_t value)
{
	histogram_add(&g_histograms[h][d], value);
}

static uint32_t lost_share(uint64_t lost, uint64_t of)
{
	return lost >= of ? WHOLE : (uint32_t)(lost * WHOLE / of);
}

static void add_leg(const struct flow_stats *s, const struct cdr_sound *sound)
{
	if (s->packets_in) {
		sound_metric_add(LOSS, HEARD, lost_share(s->lost, s->packets_in + s->lost));
		sound_metric_add(JITTER, HEARD, s->jitter_us);
	}
	if (sound->mos_in)
		sound_metric_add(MOS, HEARD, sound->mos_in);
	if (sound->mos_out) { /* it reported */
		sound_metric_add(MOS, TOLD, sound->mos_out);
		sound_metric_add(LOSS, TOLD, lost_share(s->remote_lost, s->packets_out));
		sound_metric_add(JITTER, TOLD, s->remote_jitter_us);
	}
	if (s->rtt_us)
		sound_metric_add(RTT, TOLD, s->rtt_us);
}

void sound_metrics_add(const struct cdr *cdr)
{
	bool sound = !cdr->lines; /* of other lines loss and jitter are not known */

	if (sound || cdr->audio & 1)
		add_leg(&cdr->a, &cdr->a_sound);
	if (sound || cdr->audio & 2)
		add_leg(&cdr->b, &cdr->b_sound);
}

static const char *const g_refused_labels[REFUSALS] = {
#define REFUSAL(id, name, status, class, argument, words, next) \
	[REFUSED_##id] = "reason=\"" name "\"",
#include "sig/host/refusal.def"
#undef REFUSAL
};

static const char *const g_dropped_labels[DROPPED_REASONS] = {
#define X(id, name) "reason=\"" name "\"",
	SIG_DROPPED(X)
#undef X
};

static const char *const g_destination_labels[DESTINATION_VERDICTS] = {
#define X(id, name) [DESTINATION_##id] = "reason=\"" name "\"",
	SIG_DESTINATIONS(X)
#undef X
};

static const char *const g_challenge_labels[CHALLENGE_OUTCOMES] = {
#define X(id, name) [CHALLENGE_##id] = "outcome=\"" name "\"",
	SIG_CHALLENGES(X)
#undef X
};

static const char *const g_challenge_names[CHALLENGE_OUTCOMES] = {
#define X(id, name) [CHALLENGE_##id] = name,
	SIG_CHALLENGES(X)
#undef X
};

static const char *const g_siprec_labels[SIPREC_OUTCOMES] = {
#define X(id, name) "outcome=\"" name "\"",
	SIG_SIPREC(X)
#undef X
};

static const char *const g_save_labels[SAVE_RESULTS] = {
#define X(id, name) "result=\"" name "\"",
	SIG_SAVES(X)
#undef X
};

static const char *const g_method_labels[SIG_METHODS] = {
	[SIP_INVITE] = "method=\"INVITE\"",     [SIP_ACK] = "method=\"ACK\"",
	[SIP_BYE] = "method=\"BYE\"",           [SIP_CANCEL] = "method=\"CANCEL\"",
	[SIP_REGISTER] = "method=\"REGISTER\"", [SIP_OPTIONS] = "method=\"OPTIONS\"",
	[SIP_INFO] = "method=\"INFO\"",         [SIP_PRACK] = "method=\"PRACK\"",
	[SIP_UPDATE] = "method=\"UPDATE\"",     [SIP_REFER] = "method=\"REFER\"",
	[SIP_NOTIFY] = "method=\"NOTIFY\"",     [SIP_SUBSCRIBE] = "method=\"SUBSCRIBE\"",
	[SIP_PUBLISH] = "method=\"PUBLISH\"",   [SIP_MESSAGE] = "method=\"MESSAGE\"",
	[SIP_UNKNOWN] = "method=\"other\"",
};

static const char *const g_in_labels[SIG_CLASSES] = {
	NULL,
	"direction=\"in\",class=\"1xx\"",
	"direction=\"in\",class=\"2xx\"",
	"direction=\"in\",class=\"3xx\"",
	"direction=\"in\",class=\"4xx\"",
	"direction=\"in\",class=\"5xx\"",
	"direction=\"in\",class=\"6xx\"",
};

static const char *const g_out_labels[SIG_CLASSES] = {
	NULL,
	"direction=\"out\",class=\"1xx\"",
	"direction=\"out\",class=\"2xx\"",
	"direction=\"out\",class=\"3xx\"",
	"direction=\"out\",class=\"4xx\"",
	"direction=\"out\",class=\"5xx\"",
	"direction=\"out\",class=\"6xx\"",
};

static metric_id shard_counter(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_COUNTER, name, labels, help);
}

static metric_id gauge(const char *name, const char *labels, const char *help)
{
	return metric_register(METRIC_GAUGE, name, labels, help);
}

static void open_labelled(struct sig_metrics *m)
{
	for (int i = 0; i < SIG_METHODS; i++) {
		m->requests[i] = shard_counter("tandem_sip_requests_total", g_method_labels[i],
					       "SIP requests received, without retransmissions.");
	}
	for (int i = 1; i < SIG_CLASSES; i++) {
		m->responses_in[i] = shard_counter("tandem_sip_responses_total", g_in_labels[i],
						   "SIP responses by class.");
		m->responses_out[i] = shard_counter("tandem_sip_responses_total", g_out_labels[i],
						    "SIP responses by class.");
	}
	for (int i = 1; i < REFUSALS_COUNTED; i++) {
		m->refused[i] = shard_counter("tandem_sip_refused_total", g_refused_labels[i],
					      "SIP requests refused, by reason.");
	}
	for (int i = 0; i < DROPPED_REASONS; i++) {
		m->dropped[i] = shard_counter("tandem_sip_dropped_total", g_dropped_labels[i],
					      "SIP datagrams dropped, by reason.");
	}
	for (int i = 1; i < DESTINATION_VERDICTS; i++) {
		m->destinations[i] = shard_counter(
			"tandem_destinations_refused_total", g_destination_labels[i],
			"Addresses that parties named and that nothing is sent to, by reason.");
	}
	for (int i = 0; i < CHALLENGE_OUTCOMES; i++) {
		m->challenges[i] =
			shard_counter("tandem_sip_challenges_total", g_challenge_labels[i],
				      "Requests of the node that were asked for "
				      "credentials, by what became of them.");
	}
	for (int i = 0; i < SIPREC_OUTCOMES; i++) {
		m->siprec[i] = shard_counter("tandem_siprec_sessions_total", g_siprec_labels[i],
					     "Recording sessions with an external recorder, by "
					     "what became of them.");
	}
	for (int i = 0; i < SAVE_RESULTS; i++) {
		m->saves[i] =
			i == SAVE_STARTED
				? shard_counter("tandem_saves_started_total", NULL,
						"Saves of calls and registrations that were begun.")
				: shard_counter("tandem_saves_total", g_save_labels[i],
						"Saves of calls and registrations, by what became "
						"of them.");
	}
}

#define SECONDS(value, text)                               \
	{                                                  \
		(uint64_t)((value)*1e6), "le=\"" text "\"" \
	}

static void open_histograms(struct sig_metrics *m)
{
	static const struct histogram_bound bounds[] = {
		SECONDS(0.05, "0.05"), SECONDS(0.1, "0.1"), SECONDS(0.25, "0.25"),
		SECONDS(0.5, "0.5"),   SECONDS(1, "1"),     SECONDS(2.5, "2.5"),
		SECONDS(5, "5"),       SECONDS(10, "10"),   SECONDS(30, "30"),
		SECONDS(60, "60"),     SECONDS(120, "120"), { UINT64_MAX, "le=\"+Inf\"" },
	};

	histogram_open(&m->ringing, "tandem_call_ringing_seconds", NULL,
		       "From the INVITE of a call to the first 180 for its caller.", bounds,
		       1000000);
	histogram_open(&m->setup, "tandem_call_setup_seconds", NULL,
		       "From the INVITE of a call to its answer.", bounds, 1000000);
}

static struct sig_metrics g_known;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;

static void sig_metrics_register(void)
{
	struct sig_metrics *m = &g_known;

	open_histograms(m);
	open_labelled(m);
	m->restored = shard_counter("tandem_calls_restored_total", NULL,
				    "Calls brought back from records.");
	m->given_up = shard_counter("tandem_calls_given_up_total", NULL,
				    "Restored calls that could not go on, and were ended.");
	m->refused_untold = shard_counter(
		"tandem_calls_refused_untold_total", NULL,
		"Refused calls without a call record, because their source has had too many.");
	m->calls_started = shard_counter("tandem_calls_started_total", NULL, "Calls that began.");
	m->calls_answered =
		shard_counter("tandem_calls_answered_total", NULL, "Calls that were answered.");
	m->calls_transcoded = shard_counter("tandem_calls_transcoded_total", NULL,
					    "Calls with audio that began to be transcoded.");
	m->calls_transcoded_now =
		gauge("tandem_calls_transcoded", NULL, "Calls with audio that is transcoded.");
	m->calls_ended = shard_counter("tandem_calls_ended_total", NULL, "Calls that are over.");
	m->calls_other = gauge("tandem_calls", "state=\"other\"", "Calls in memory.");
	m->calls_established = gauge("tandem_calls", "state=\"established\"", "Calls in memory.");
	m->aors = gauge("tandem_registrations", NULL, "Addresses of record with a binding.");
	m->txns = gauge("tandem_sip_transactions", NULL, "SIP transactions in memory.");
	m->subscriptions = gauge("tandem_subscriptions", NULL, "Subscriptions in memory.");
	m->saves_pending = gauge("tandem_saves_pending", NULL, "Saves not acknowledged yet.");
	sound_metrics_open();
}

/* A process that opens shard after shard, as the simulator, looks for their names once; shards may
 * be opened on threads of their own. */
void sig_metrics_open(struct sig_metrics *m)
{
	(void)pthread_once(&g_once, sig_metrics_register);
	*m = g_known;
}

void sig_count_refused(const struct sig_metrics *m, enum refusal reason)
{
	bool counted = reason != REFUSED_NOT && reason < REFUSALS_COUNTED;

	metric_add(m->refused[counted ? reason : REFUSED_OTHER], 1);
}

void sig_count_dropped(const struct sig_metrics *m, enum sig_dropped reason)
{
	assert(reason < DROPPED_REASONS);
	metric_add(m->dropped[reason], 1);
}

void sig_count_destination(const struct sig_metrics *m, enum destination_verdict verdict)
{
	assert(verdict > DESTINATION_OK && verdict < DESTINATION_VERDICTS);
	metric_add(m->destinations[verdict], 1);
}

void sig_count_challenge(const struct sig_metrics *m, enum sig_challenge outcome, uint64_t call,
			 struct bytes realm)
{
	assert(outcome < CHALLENGE_OUTCOMES);
	metric_add(m->challenges[outcome], 1);
	if (outcome != CHALLENGE_ANSWERED)
		LOG_INFO("call", call, "a party asks for credentials, and is given none",
			 LOG_STR("reason", g_challenge_names[outcome]), LOG_BYTES("realm", realm));
}

static void count_status(const metric_id *by_class, uint16_t status)
{
	unsigned i = status / 100;

	if (i >= 1 && i < SIG_CLASSES)
		metric_add(by_class[i], 1);
}

void sig_count_in(const struct sig_metrics *m, uint16_t status)
{
	count_status(m->responses_in, status);
}

void sig_count_out(const struct sig_metrics *m, uint16_t status)
{
	count_status(m->responses_out, status);
}
