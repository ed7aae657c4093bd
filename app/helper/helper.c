/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The main loop of tandem-helper: lines from the node, libcurl transfers, child processes,
 * deadlines and WebSockets. The node starts it without privileges (app/node/node_helper.c). Each
 * kind of request is a row of functions, and every request is answered exactly once, by its
 * deadline at the latest, so a server that hangs delays one call and no other.
 */

#include "app/helper/helper.h"
#include "app/helper/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

enum { WAIT_MS = 1000 };

static const struct helper_kind *const g_kinds[] = {
	&g_helper_http, &g_helper_link,       &g_helper_send, &g_helper_say,     &g_helper_login,
	&g_helper_mail, &g_helper_transcribe, &g_helper_push, &g_helper_contacts
};

/* ---- requests ---- */

static void request_end(struct helper *h, struct helper_request *r)
{
	if (r->child) {
		(void)kill(r->child, SIGKILL);
		(void)waitpid(r->child, NULL, 0);
		(void)close(r->child_end);
		h->children--;
	}
	if (r->kind)
		r->kind->end(h, r);
	*r = (struct helper_request){ 0 };
	h->count--;
}

void helper_answer(struct helper *h, struct helper_request *r, json_t *result)
{
	if (result)
		child_peer_send(&h->link, json_pack("{s:I, s:o}", "answer", (json_int_t)r->id,
						    "result", result));
	else
		child_peer_send(&h->link, json_pack("{s:I, s:s}", "answer", (json_int_t)r->id,
						    "failed", "out of memory"));
	request_end(h, r);
}

void helper_fail(struct helper *h, struct helper_request *r, const char *why)
{
	child_peer_send(&h->link,
			json_pack("{s:I, s:s}", "answer", (json_int_t)r->id, "failed", why));
	request_end(h, r);
}

static const struct helper_kind *helper_kind_of(const json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "kind"));

	for (size_t i = 0; name && i < COUNT_OF(g_kinds); i++) {
		if (!strcmp(g_kinds[i]->name, name))
			return g_kinds[i];
	}
	return NULL;
}

static struct helper_request *request_free(struct helper *h)
{
	for (uint32_t i = 0; i < HELPER_REQUESTS_MAX; i++) {
		if (!h->requests[i].id)
			return &h->requests[i];
	}
	return NULL;
}

static void helper_on_line(const json_t *line, void *arg)
{
	struct helper *h = arg;
	json_int_t id = json_integer_value(json_object_get(line, "ask"));
	json_int_t ms = json_integer_value(json_object_get(line, "ms"));
	struct helper_request *r = id > 0 && ms > 0 ? request_free(h) : NULL;

	if (!r)
		return; /* the node asks no more than there is room for */
	*r = (struct helper_request){ .id = (uint64_t)id,
				      .until_ns = clock_now_ns() + (uint64_t)ms * NS_PER_MS,
				      .kind = helper_kind_of(line) };
	h->count++;
	if (r->kind)
		r->kind->begin(h, r, json_object_get(line, "args"));
	else
		helper_fail(h, r, "no such kind of request");
}

/* ---- children ---- */

static void child_run(char *const argv[], int in, int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);

	if (dup2(in < 0 ? null : in, STDIN_FILENO) < 0 ||
	    dup2(out < 0 ? null : out, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0)
		_exit(127);
	(void)close_range(STDERR_FILENO + 1, ~0U, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		(void)execv(argv[0], argv);
	_exit(127);
}

int helper_child(struct helper *h, struct helper_request *r, char *const argv[], int in, int out)
{
	pid_t parent = getpid();

	if (h->children == HELPER_CHILDREN_MAX || r->child)
		return -EAGAIN;
	r->child = fork();
	if (!r->child)
		child_run(argv, in, out, parent);
	if (r->child < 0) {
		r->child = 0;
		return -errno;
	}
	r->child_end = (int)syscall(SYS_pidfd_open, r->child, 0);
	h->children++;
	return 0;
}

static void child_collect(struct helper *h, struct helper_request *r)
{
	int status;

	if (!r->child || waitpid(r->child, &status, WNOHANG) != r->child)
		return;
	(void)close(r->child_end);
	r->child = 0;
	h->children--;
	r->kind->reaped(h, r, status);
}

/* ---- rounds ---- */

/* What is over; until when nothing is. */
static uint64_t helper_round(struct helper *h)
{
	uint64_t now_ns = clock_now_ns(), next_ns = now_ns + WAIT_MS * NS_PER_MS, due_ns;

	http_collect(h);
	ws_read_all(h);
	for (uint32_t i = 0; h->count && i < HELPER_REQUESTS_MAX; i++) {
		struct helper_request *r = &h->requests[i];

		if (!r->id)
			continue;
		child_collect(h, r);
		due_ns = r->id && r->kind->due ? r->kind->due(h, r, now_ns) : UINT64_MAX;
		next_ns = due_ns < next_ns ? due_ns : next_ns;
		if (r->id && r->until_ns <= now_ns)
			helper_fail(h, r, "it took too long");
		else if (r->id && r->until_ns < next_ns)
			next_ns = r->until_ns;
	}
	due_ns = ws_round(h, now_ns);
	next_ns = due_ns < next_ns ? due_ns : next_ns;
	return next_ns > now_ns ? next_ns - now_ns : 0;
}

static void helper_wait(struct helper *h, uint64_t ns)
{
	static struct curl_waitfd wait[1 + HELPER_CHILDREN_MAX + HELPER_LINKS_MAX];
	unsigned n = 1;
	int running;

	wait[0] = (struct curl_waitfd){ .fd = h->link.fd, .events = CURL_WAIT_POLLIN };
	for (uint32_t i = 0; h->children && i < HELPER_REQUESTS_MAX; i++) {
		if (h->requests[i].child && n < COUNT_OF(wait))
			wait[n++] = (struct curl_waitfd){ .fd = h->requests[i].child_end,
							  .events = CURL_WAIT_POLLIN };
	}
	n += ws_watch(h, wait + n, (unsigned)COUNT_OF(wait) - n);
	(void)curl_multi_perform(h->multi, &running);
	(void)curl_multi_poll(h->multi, wait, n, (int)(ns / NS_PER_MS) + 1, NULL);
	(void)curl_multi_perform(h->multi, &running);
}

static void helper_run(void)
{
	struct helper *h = calloc(1, sizeof(*h));

	if (!h || !(h->multi = curl_multi_init())) {
		LOG_ERROR("helper", 0, "no memory for the helper process");
		free(h);
		return;
	}
	h->link.fd = CHILD_LINK;
	while (child_peer_read(&h->link, helper_on_line, h))
		helper_wait(h, helper_round(h));
	for (uint32_t i = 0; i < HELPER_REQUESTS_MAX; i++) {
		if (h->requests[i].id)
			request_end(h, &h->requests[i]);
	}
	ws_close_all(h);
	(void)curl_multi_cleanup(h->multi);
	child_peer_close(&h->link);
	free(h);
}

int main(int argc, char **argv)
{
	int status = child_main_start(argc, argv, "tandem-helper", "webhooks",
				      "the node starts it where calls or webhooks need it");

	if (status >= 0)
		return status;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	status = 0;
	if (argc > 1)
		status = hooks_run();
	else
		helper_run();
	curl_global_cleanup();
	return status;
}
