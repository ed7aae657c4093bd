/* SPDX-License-Identifier: Apache-2.0 */
/* One command and its answer. The socket of a local node is tried first (control_local.h), without
 * Redis; else, and for an object of another node, the command goes by Redis through the client
 * library (client/). Both ways have the same id. If a node took the command by its socket and is
 * late, Redis is not tried: the command could be done twice. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/command/control_local.h"
#include "app/ctl/ctl.h"
#include "base/rand.h"
#include "base/seal.h"
#include "client/tandem_client.h"
#include "cluster/embedded/embedded.h"

/* One command and its answer by a local node's socket, without Redis (control_local.h). */

enum {
	WAIT_S = 5,
	WAIT_SET_S = 60 /* of many documents */,
	ANSWER_STEP = 64 * 1024,
	ANSWER_MAX = 64 * 1024 * 1024
};

/* -1: nobody is there, or it is not for us. */
static int local_connect(const char *path, bool set)
{
	const struct timeval wait = { .tv_sec = set ? WAIT_SET_S : WAIT_S };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = -1;

	if (strlen(path) < sizeof(at.sun_path))
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool local_write(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, text, n, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		text += sent;
		n -= (size_t)sent;
	}
	return true;
}

/* The first octet of a request, and a file that goes along. */
static bool local_write_file(int fd, int file, char *text)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec at = { text, 1 };
	const struct msghdr m = { .msg_iov = &at,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &file, sizeof(file));
	return sendmsg(fd, &m, MSG_NOSIGNAL) == 1;
}

/* It has the command, and may still do it: the same by Redis could be done as well. */
static json_t *local_late(void)
{
	return json_pack("{s:b, s:{s:s, s:s}}", "ok", 0, "error", "code", "uncertain", "message",
			 "the node of this machine has the command, and does not answer: it may or "
			 "may not have happened");
}

/* A line, or NULL: it hung up. */
static json_t *local_read(int fd)
{
	char *text = NULL;
	size_t n = 0, room = 0;
	json_t *answer = NULL;
	bool late = false;

	while (n < ANSWER_MAX && (n == 0 || text[n - 1] != '\n')) {
		char *more = n + ANSWER_STEP > room ? realloc(text, room = 2 * room + ANSWER_STEP)
						    : text;
		ssize_t got = more ? recv(fd, more + n, room - n, 0) : -1;

		text = more ? more : text;
		if (got < 0 && more && errno == EINTR)
			continue;
		late = got < 0 && more && errno == EAGAIN;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (late)
		answer = local_late();
	else if (n && text[n - 1] == '\n')
		answer = json_loadb(text, n, 0, NULL);
	free(text);
	return answer;
}

static char *request_text(const struct ctl_target *target, const struct ctl_request *request)
{
	json_t *json =
		json_pack("{s:s, s:s, s:O, s:s*, s:s*}", "id", request->id, "do", request->command,
			  "args", request->args, "tenant", target->tenant, "role", target->role);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

/* By the socket alone. NULL: nobody answers there. */
static json_t *ctl_local_send(const struct ctl_target *target, const struct ctl_request *request)
{
	const bool set = bytes_starts(bytes_str(request->command), "set.");
	int fd = target->local[0] ? local_connect(target->local, set) : -1;
	char *text = fd >= 0 ? request_text(target, request) : NULL;
	json_t *answer = NULL;

	if (text && (request->file < 0 || local_write_file(fd, request->file, text)) &&
	    local_write(fd, text + (request->file >= 0), strlen(text) - (request->file >= 0)) &&
	    local_write(fd, "\n", 1))
		answer = local_read(fd);
	secret_str_free(text);
	if (fd >= 0)
		(void)close(fd);
	return answer;
}

/* Which node tandemctl speaks to: its socket and its Redis. Its other settings may be wrong. */

/* Usual places of a local node's settings; the first that exists counts. */
static const char *const g_usual[] = { "/var/lib/tandem/tandem.yaml", "/etc/tandem/tandem.yaml" };

static const char *config_usual(void)
{
	const char *given = getenv("TANDEM_CONFIG");

	if (given && given[0])
		return given;
	for (size_t i = 0; i < COUNT_OF(g_usual); i++) {
		if (access(g_usual[i], F_OK) == 0)
			return g_usual[i];
	}
	return NULL;
}

/* A file that is no YAML at all: the node's folder is where init put the file. */
static void state_dir_guess(struct settings *s, const char *config)
{
	char path[PATH_MAX];

	if (s->node.state_dir[0] || !realpath(config, path))
		return;
	(void)snprintf(s->node.state_dir, sizeof(s->node.state_dir), "%s", dirname(path));
}

static void place_write(struct ctl_target *out, const struct settings *s)
{
	int n = snprintf(out->local, sizeof(out->local), "%s/" CONTROL_LOCAL_SOCKET,
			 s->node.state_dir);

	if (n < 0 || (size_t)n >= sizeof(out->local) || !s->node.state_dir[0])
		out->local[0] = '\0';
	(void)snprintf(out->state_dir, sizeof(out->state_dir), "%s", s->node.state_dir);
	if (s->recordings.folder[0])
		(void)snprintf(out->recordings, sizeof(out->recordings), "%s",
			       s->recordings.folder);
	else
		(void)snprintf(out->recordings, sizeof(out->recordings), "%s/recordings",
			       s->node.state_dir);
	(void)snprintf(out->node, sizeof(out->node), "%s", s->node.name);
	out->place = s->redis.place;
	if (!out->place.url[0]) {
		(void)snprintf(out->place.url, sizeof(out->place.url), "unix:%s/" EMBEDDED_SOCKET,
			       s->node.state_dir);
	}
}

static int config_read(struct ctl_target *out, const char *config)
{
	static struct settings settings;
	static struct conf_errors errors;
	char *text;
	size_t n;
	int err = settings_load(config, &text, &n);

	if (err)
		return err;
	/* errors are tandemd's to tell: what is right has been read */
	memset(&settings, 0, sizeof(settings));
	(void)!conf_read(&settings, g_settings_fields, bytes_mem(text, n), &errors);
	explicit_bzero(text, n); /* the url may hold a password */
	free(text);
	state_dir_guess(&settings, config);
	place_write(out, &settings);
	explicit_bzero(&settings, sizeof(settings));
	return 0;
}

bool ctl_target_find(struct ctl_target *out, const char *config, const char *redis)
{
	int err;

	*out = (struct ctl_target){ 0 };
	if (redis) {
		(void)snprintf(out->place.url, sizeof(out->place.url), "%s", redis);
		return true;
	}
	config = config ? config : config_usual();
	if (!config) {
		ctl_complain("which node? --config FILE (its tandem.yaml) or --redis URL says so, "
			     "or TANDEM_CONFIG in the environment; there is neither %s nor %s",
			     g_usual[0], g_usual[1]);
		return false;
	}
	err = config_read(out, config);
	if (err)
		ctl_complain("%s: %s", config, strerror(-err));
	return !err;
}

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
		err = tandem_client_request(client, request->command, args, WAIT_MS, &text);
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
	secret_str_free(text);
	return answer;
}

static void request_id(char out[CTL_ID_LEN])
{
	struct rand_source source;

	rand_open_system(&source);
	(void)snprintf(out, CTL_ID_LEN, "ctl-%016llx", (unsigned long long)rand_u64_from(&source));
}

/* -1: none is handed over; -2: it cannot be opened. */
static int request_file(const char *name, const json_t *args)
{
	const struct command_arg *file = command_file(command_find(bytes_str(name)));
	const char *path = file ? json_string_value(json_object_get(args, file->name)) : NULL;
	int fd;

	if (!path)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		ctl_complain("%s: %s", path, strerror(errno));
	return fd < 0 ? -2 : fd;
}

/* Redis is the cluster's: another node answers for one that is down. */
static void say_who(const struct ctl_target *target, const struct ctl_request *request,
		    const json_t *answer)
{
	const char *name =
		json_string_value(json_object_get(json_object_get(answer, "result"), "name"));

	if (target->node[0] && name && !strcmp(request->command, "node.status") &&
	    strcmp(name, target->node) != 0)
		ctl_complain("%s does not answer; this is %s", target->node, name);
}

/* The same, with the node's name from the settings if the command changes a node and names none. */
static json_t *args_named(const struct ctl_target *target, const char *name, const json_t *args)
{
	const struct command *command = command_find(bytes_str(name));
	json_t *named = args ? json_deep_copy(args) : json_object();

	if (command && command->of_node && target->node[0] && !json_object_get(named, "node"))
		(void)json_object_set_new(named, "node", json_string(target->node));
	return named;
}

/* The node may have done what came by its socket, and died before it said so. */
json_t *ctl_send(const struct ctl_target *target, const char *command, const json_t *args)
{
	char id[CTL_ID_LEN];
	struct ctl_request request = {
		.id = id, .command = command, .args = args, .file = request_file(command, args)
	};
	json_t *local, *named, *answer;

	if (request.file < -1)
		return NULL;
	request_id(id);
	local = ctl_local_send(target, &request);
	if (request.file >= 0)
		(void)close(request.file);
	if (local && !json_is_true(json_object_get(local, "elsewhere")))
		return local;
	named = args_named(target, command, args);
	request.args = named;
	answer = redis_send(target, &request);
	json_decref(named);
	if (!answer)
		return local; /* it says why */
	if (!local)
		say_who(target, &request, answer);
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
