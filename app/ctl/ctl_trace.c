/* SPDX-License-Identifier: Apache-2.0 */
/* tandemctl trace: begins a trace, fetches it while it runs, writes it to a new file or to standard
 * output, and deletes it on the node. An interrupt ends the trace; what the node has of it by then
 * is still fetched. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "app/ctl/ctl.h"

enum { PAUSE_MS = 250 };

struct trace_job {
	const struct ctl_target *target;
	const char *what, *file; /* what: a call's id, from=NUMBER or to=NUMBER */
	json_t *start;           /* arguments of call.trace.start */
	char name[64];           /* of the file on the node */
	char path[96];           /* here, where none is given */
	int fd;
	uint64_t offset;
	bool running, stopped;
};

static _Atomic bool g_interrupted;

static void on_interrupt(int signal)
{
	(void)signal;
	atomic_store(&g_interrupted, true);
}

/* The result (borrowed from *answer), or NULL: complained. */
static const json_t *node_request(const struct trace_job *j, const char *command,
				  const json_t *args, json_t **answer)
{
	const json_t *error;

	*answer = args ? ctl_send(j->target, command, args) : NULL;
	if (json_is_true(json_object_get(*answer, "ok")))
		return json_object_get(*answer, "result");
	error = json_object_get(*answer, "error");
	if (*answer) {
		ctl_complain("%s: %s", json_string_value(json_object_get(error, "code")),
			     json_string_value(json_object_get(error, "message")));
	}
	return NULL;
}

static bool trace_node_command(const struct trace_job *j, const char *command, const char *name,
			       const char *value)
{
	json_t *args = json_pack("{s:s}", name, value), *answer;
	bool fine = node_request(j, command, args, &answer) != NULL;

	json_decref(args);
	json_decref(answer);
	return fine;
}

static bool trace_ask_start(struct trace_job *j)
{
	json_t *answer;
	const json_t *result = node_request(j, "call.trace.start", j->start, &answer);
	const char *name = json_string_value(json_object_get(result, "name"));

	if (name)
		(void)snprintf(j->name, sizeof(j->name), "%s", name);
	json_decref(answer);
	return name != NULL;
}

static bool bytes_write(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t written = write(fd, p, n);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			p += written;
			n -= (size_t)written;
		}
	}
	return true;
}

/* How many octets it was, -1: complained. */
static int trace_chunk_write(struct trace_job *j, const char *text, size_t n)
{
	uint8_t *octets = malloc(n / 4 * 3 + 1);
	int got = -1;

	if (octets && n % 4 == 0)
		got = EVP_DecodeBlock(octets, (const unsigned char *)text, (int)n);
	while (got > 0 && n && text[n - 1] == '=') {
		got--;
		n--;
	}
	if (got < 0)
		ctl_complain("what the node sent is no base64");
	if (got > 0 && !bytes_write(j->fd, octets, (size_t)got)) {
		ctl_complain("%s: %s", j->file, strerror(errno));
		got = -1;
	}
	free(octets);
	return got;
}

/* The next part; how many octets, -1: complained. */
static int fetch(struct trace_job *j)
{
	json_t *args = json_pack("{s:s, s:I}", "name", j->name, "offset", (json_int_t)j->offset);
	json_t *answer;
	const json_t *result = node_request(j, "call.trace.read", args, &answer);
	const json_t *data = json_object_get(result, "data");
	int n = -1;

	if (json_is_string(data)) {
		j->running = json_is_true(json_object_get(result, "running"));
		n = trace_chunk_write(j, json_string_value(data), json_string_length(data));
	}
	if (n > 0)
		j->offset += (uint64_t)n;
	json_decref(args);
	json_decref(answer);
	return n;
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* An interrupt ends the trace; what it has is still fetched. */
static void stop_on_interrupt(struct trace_job *j)
{
	if (!atomic_load(&g_interrupted) || j->stopped)
		return;
	j->stopped = true;
	(void)trace_node_command(j, "call.trace.stop", "name", j->name);
}

static bool fetch_all(struct trace_job *j)
{
	int n;

	do {
		stop_on_interrupt(j);
		n = fetch(j);
		if (n == 0 && j->running)
			pause_ms(PAUSE_MS);
	} while (n > 0 || (n == 0 && j->running));
	return n == 0;
}

static bool pcap_file_open(struct trace_job *j)
{
	if (!strcmp(j->file, "-")) {
		j->fd = STDOUT_FILENO;
		return true;
	}
	/* new: nobody else has it open, and nobody else may read it */
	j->fd = open(j->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		ctl_complain("%s: %s", j->file, strerror(errno));
	return j->fd >= 0;
}

static int trace_run(struct trace_job *j)
{
	struct sigaction on = { .sa_handler = on_interrupt };
	bool fine;

	(void)sigaction(SIGINT, &on, NULL);
	(void)sigaction(SIGTERM, &on, NULL);
	if (!pcap_file_open(j))
		return CTL_REFUSED;
	if (!trace_ask_start(j)) {
		if (j->fd != STDOUT_FILENO)
			(void)unlink(j->file);
		return CTL_REFUSED;
	}
	(void)fprintf(stderr, "tandemctl: tracing %s into %s; interrupt to end it\n", j->what,
		      j->file);
	fine = fetch_all(j);
	if (fine)
		fine = trace_node_command(j, "call.trace.delete", "name", j->name);
	(void)fprintf(stderr, "tandemctl: %" PRIu64 " octets\n", j->offset);
	return fine ? CTL_DONE : CTL_REFUSED;
}

static bool number_set(json_t *args, const char *name, const char *text)
{
	uint64_t n;

	return !bytes_u64(bytes_str(text), &n) && n <= INT64_MAX &&
	       !json_object_set_new(args, name, json_integer((json_int_t)n));
}

static bool what_set(struct trace_job *j, const char *word)
{
	const char *value = strchr(word, '=');

	if (!value)
		return !json_object_set_new(j->start, "call", json_string(word));
	if (!strncmp(word, "from=", 5) || !strncmp(word, "to=", 3) || !strncmp(word, "call=", 5))
		return !json_object_set_new(j->start,
					    word[0] == 'f'   ? "from"
					    : word[0] == 't' ? "to"
							     : "call",
					    json_string(value + 1));
	return false;
}

static bool trace_word_read(struct trace_job *j, const char *word, const char *next,
			    bool *used_next)
{
	*used_next = false;
	if (!strcmp(word, "--decrypted"))
		return !json_object_set_new(j->start, "decrypted", json_true());
	if (word[0] != '-' && !j->what) {
		j->what = word;
		return what_set(j, word);
	}
	*used_next = true;
	if (!strcmp(word, "-o") && next) {
		j->file = next;
		return true;
	}
	if (!strcmp(word, "--seconds") && next)
		return number_set(j->start, "seconds", next);
	if (!strcmp(word, "--octets") && next)
		return number_set(j->start, "octets", next);
	return false;
}

static bool trace_words_read(struct trace_job *j, int argc, char **argv)
{
	static struct command_value values[COMMAND_ARGS_MAX]; /* too large for a stack */
	struct command_error error = { 0 };
	const struct command *start = command_find(BYTES_LIT("call.trace.start"));

	for (int i = 0; i < argc; i++) {
		bool used_next;

		if (!trace_word_read(j, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used_next)) {
			ctl_complain("what is '%s'? See tandemctl --help", argv[i]);
			return false;
		}
		i += used_next;
	}
	if (command_check(start, j->start, values, &error)) {
		ctl_complain("%s: %s", command_error_name(error.code), error.message);
		return false;
	}
	if (!j->what) {
		ctl_complain("trace what? A call's id, from=NUMBER or to=NUMBER");
		return false;
	}
	if (!j->file) {
		(void)snprintf(j->path, sizeof(j->path), "call-%s.pcapng", j->what);
		j->file = j->path;
	}
	return true;
}

int ctl_trace(const struct ctl_target *target, int argc, char **argv)
{
	struct trace_job j = { .target = target, .start = json_object(), .fd = -1 };
	int status = trace_words_read(&j, argc, argv) ? trace_run(&j) : CTL_USAGE;

	if (j.fd > STDOUT_FILENO)
		(void)close(j.fd);
	json_decref(j.start);
	return status;
}
