/* SPDX-License-Identifier: Apache-2.0 */
/* One command and its answer, by the client that others may use as well. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/ctl/ctl.h"
#include "base/rand.h"
#include "client/tandem_client.h"

enum { WAIT_MS = 5000, CTL_ID_LEN = 24 };

static const char *advice_of(int err)
{
	switch (err) {
	case -EHOSTUNREACH:
		return "no Redis answers: does the node run?";
	case -ETIMEDOUT:
		return "its Redis is there, but no node took the command: does tandemd run?";
	default:
		return "";
	}
}

static json_t *ctl_answer_read(struct tandem_client *client, const struct ctl_request *request,
			       const char *args)
{
	char *text = NULL;
	int err = tandem_client_next_id(client, request->id);
	json_t *answer;

	if (!err)
		err = tandem_client_ask(client, request->command, args, WAIT_MS, &text);
	answer = err ? NULL : json_loads(text, 0, NULL);
	if (err) {
		const char *advice = advice_of(err);

		ctl_complain("no answer: %s%s%s", advice, advice[0] ? " " : "",
			     tandem_client_error(client));
	} else if (!answer) {
		ctl_complain("the answer is no JSON");
	}
	free(text);
	return answer;
}

static int ctl_client_open(struct tandem_client **client, const struct ctl_target *target)
{
	if (!target->tenant)
		return tandem_client_open(client, target->place.url, "_operator");
	return tandem_client_open_as(client, target->place.url, target->tenant,
				     target->role ? target->role : "admin");
}

static json_t *redis_send(const struct ctl_target *target, const struct ctl_request *request)
{
	char *text = json_dumps(request->args, JSON_COMPACT);
	struct tandem_client *client = NULL;
	json_t *answer = NULL;

	if (!text || ctl_client_open(&client, target) ||
	    tandem_client_tls(client, target->place.ca, target->place.certificate,
			      target->place.key)) {
		/* the url may hold a password: it is not repeated */
		ctl_complain(text ? "redis.url must be unix:/path (at most 107 characters) or "
				    "redis://[user:password@]host:port[/db], or the same with "
				    "rediss://, "
				    "or sentinel://host:port,.../primary or sentinels://, "
				    "or redis+cluster://host:port or rediss+cluster://"
				  : "out of memory");
	} else {
		answer = ctl_answer_read(client, request, text);
	}
	tandem_client_close(client);
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	return answer;
}

static void request_id(char out[CTL_ID_LEN])
{
	struct rand_source source;

	rand_open_system(&source);
	(void)snprintf(out, CTL_ID_LEN, "ctl-%016llx", (unsigned long long)rand_u64_from(&source));
}

/* The node may have done what came by its socket, and died before it said so. */
json_t *ctl_send(const struct ctl_target *target, const char *command, const json_t *args)
{
	char id[CTL_ID_LEN];
	const struct ctl_request request = { .id = id, .command = command, .args = args };
	json_t *local, *answer;

	request_id(id);
	local = ctl_local_send(target, &request);
	if (local && !json_is_true(json_object_get(local, "elsewhere")))
		return local;
	answer = redis_send(target, &request);
	if (!answer)
		return local; /* it says why */
	json_decref(local);
	return answer;
}

int ctl_status(const json_t *answer)
{
	static const char *const later[] = { "busy", "unavailable", "uncertain", "internal",
					     "expired" };
	const char *code =
		json_string_value(json_object_get(json_object_get(answer, "error"), "code"));

	if (json_is_true(json_object_get(answer, "ok")))
		return CTL_DONE;
	if (code && !strcmp(code, "not_found"))
		return CTL_NOT_FOUND;
	for (size_t i = 0; code && i < COUNT_OF(later); i++) {
		if (!strcmp(code, later[i]))
			return CTL_TRY_AGAIN;
	}
	return CTL_REFUSED;
}
