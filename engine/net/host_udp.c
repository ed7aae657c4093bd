/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters and errors of UDP that only the kernel sees. It reads /proc/net/snmp and snmp6 for drops
 * of the whole host, and the error queues of sockets (IP_RECVERR) for ICMP. Metrics publish the
 * first; ports use the second to count unreachable parties per flow, which the doctor reports, and
 * to learn that a path's MTU was exceeded.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/net/host_udp.h"

enum {
	ERRORS_MAX = 256, /* at a time; the next error brings us back */
	CONTROL_ROOM = 512,
};

void icmp_listen(int fd, bool v6)
{
	int on = 1;

	(void)setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &on,
			 sizeof(on));
}

/* Is it an error of ICMP? Others are our own kernel's refusals to send. */
static bool icmp_error_read(struct msghdr *m, struct sock_extended_err *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		bool v4 = c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR;
		bool v6 = c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR;

		if (!v4 && !v6)
			continue;
		memcpy(out, CMSG_DATA(c), sizeof(*out));
		return out->ee_origin == SO_EE_ORIGIN_ICMP || out->ee_origin == SO_EE_ORIGIN_ICMP6;
	}
	return false;
}

uint32_t icmp_read(int fd, bool *too_long)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < ERRORS_MAX; i++) {
		alignas(struct cmsghdr) uint8_t control[CONTROL_ROOM];
		struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };
		struct sock_extended_err error;

		if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		if (!icmp_error_read(&m, &error))
			continue;
		count++;
		*too_long |= error.ee_errno == EMSGSIZE;
	}
	return count;
}

bool icmp_is(int err)
{
	return err == -ECONNREFUSED || err == -EHOSTUNREACH || err == -ENETUNREACH ||
	       err == -EMSGSIZE || err == -EHOSTDOWN || err == -ENOPROTOOPT || err == -EPROTO ||
	       err == -EACCES || err == -EOPNOTSUPP || err == -ENONET;
}

enum { TEXT_MAX = 16384 };

static struct bytes word_next(struct bytes *rest)
{
	size_t from = 0, n = 0;

	while (from < rest->n && (rest->p[from] == ' ' || rest->p[from] == '\t'))
		from++;
	while (from + n < rest->n && rest->p[from + n] != ' ' && rest->p[from + n] != '\t')
		n++;

	struct bytes word = bytes_sub(*rest, from, n);

	*rest = bytes_from(*rest, from + n);
	return word;
}

static bool host_line_next(struct bytes *text, struct bytes *line)
{
	const uint8_t *end = text->n ? memchr(text->p, '\n', text->n) : NULL;

	if (!end)
		return false; /* without its end it is cut off */
	*line = bytes_sub(*text, 0, (size_t)(end - text->p));
	*text = bytes_from(*text, line->n + 1);
	return true;
}

static void value_add(struct host_udp *h, struct bytes name, struct bytes digits)
{
	uint64_t value;

	if (bytes_u64(digits, &value))
		return;
	if (bytes_is(name, "NoPorts"))
		h->no_ports += value;
	else if (bytes_is(name, "RcvbufErrors"))
		h->receive_buffer_errors += value;
}

void host_udp_read_snmp(struct host_udp *h, struct bytes text)
{
	struct bytes names = { 0 }, line;

	while (host_line_next(&text, &line)) {
		if (!bytes_starts(line, "Udp: "))
			continue;
		if (!names.n) {
			names = line;
			continue;
		}
		while (names.n)
			value_add(h, word_next(&names), word_next(&line));
	}
}

void host_udp_read_snmp6(struct host_udp *h, struct bytes text)
{
	struct bytes line;

	while (host_line_next(&text, &line)) {
		struct bytes name = word_next(&line);

		if (bytes_starts(name, "Udp6"))
			value_add(h, bytes_from(name, 4), word_next(&line));
	}
}

/* Absent, unreadable or longer than expected: what is there. */
static struct bytes counters_file_read(const char *path, uint8_t text[TEXT_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, TEXT_MAX);

	if (fd >= 0)
		(void)close(fd);
	return bytes_mem(text, n > 0 ? (size_t)n : 0);
}

void host_udp_register(struct host_udp_metrics *m)
{
	*m = (struct host_udp_metrics){
		.no_ports = metric_register(METRIC_COUNTER, "tandem_host_udp_no_ports_total", NULL,
					    "UDP datagrams of the host to ports that nobody has, "
					    "or that are open to another party only"),
		.receive_buffer_errors = metric_register(
			METRIC_COUNTER, "tandem_host_udp_receive_buffer_errors_total", NULL,
			"UDP datagrams of the host dropped because a receive buffer was full"),
	};
}

void host_udp_update(struct host_udp_metrics *m)
{
	static uint8_t text[TEXT_MAX]; /* control's alone */
	struct host_udp now = { 0 };

	host_udp_read_snmp(&now, counters_file_read("/proc/net/snmp", text));
	host_udp_read_snmp6(&now, counters_file_read("/proc/net/snmp6", text));
	if (m->started && now.no_ports >= m->seen.no_ports)
		metric_add(m->no_ports, now.no_ports - m->seen.no_ports);
	if (m->started && now.receive_buffer_errors >= m->seen.receive_buffer_errors)
		metric_add(m->receive_buffer_errors,
			   now.receive_buffer_errors - m->seen.receive_buffer_errors);
	m->seen = now;
	m->started = true;
}
