/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/port/xdp_remains.h"

#include <fcntl.h>

#include "base/hash.h"
#include "base/log.h"

#define MAGIC UINT64_C(0x74616e64656d5846)

enum { WORD_VERSION = 1 };

/* Descriptors: of the table, then a link for each interface that has one. */
struct xdp_word {
	uint64_t magic;
	uint64_t shape;
	uint32_t version, interface_count;
	struct {
		uint32_t ifindex;
		uint32_t native;
	} interfaces[XDP_INTERFACES_MAX];
};

static_assert(sizeof(struct xdp_word) <= REMAINS_WORD_MAX, "it is a word");
static_assert((int)XDP_FORWARDS_FDS + (int)XDP_INTERFACES_MAX <= (int)REMAINS_FDS_MAX,
	      "descriptors");

/* ---- the shape ---- */

static uint64_t shape_add(uint64_t shape, const void *p, size_t n)
{
	const struct hash_key key = { MAGIC, shape };

	return hash_sip(&key, bytes_mem(p, n));
}

static uint64_t shape_network(uint64_t shape, const struct port_xdp_network *n)
{
	const struct xdp_range *r = &n->range;
	const uint32_t numbers[] = { r->local.family, r->local.scope, r->first, r->last };

	shape = shape_add(shape, n->interface, sizeof(n->interface));
	shape = shape_add(shape, r->local.ip, sizeof(r->local.ip));
	return shape_add(shape, numbers, sizeof(numbers));
}

/* Of structures, and of all that says which entry is whose. */
static uint64_t host_shape(const struct xdp_host *h, uint32_t entries, uint32_t addresses)
{
	const uint32_t numbers[] = { XDP_FORWARD_VERSION,
				     sizeof(struct xdp_forward),
				     sizeof(struct xdp_fence),
				     XDP_KEPT_OCTETS,
				     XDP_FORWARD_WORKERS,
				     XDP_FORWARD_PLACES,
				     h->kept_version,
				     h->workers,
				     entries,
				     addresses,
				     h->network_count };
	uint64_t shape = shape_add(0, numbers, sizeof(numbers));

	for (uint32_t i = 0; i < h->network_count; i++)
		shape = shape_network(shape, &h->networks[i]);
	return shape;
}

/* ---- of the process before ---- */

static bool remains_read(const struct remains *left, struct xdp_word *out)
{
	if (left->word_n != sizeof(*out))
		return false;
	memcpy(out, left->word, sizeof(*out));
	return out->magic == MAGIC && out->version == WORD_VERSION &&
	       out->interface_count <= XDP_INTERFACES_MAX &&
	       left->fd_count == XDP_FORWARDS_FDS + out->interface_count;
}

/* Of a version that we may not know: what is no link stays as it is. */
static void links_end(const struct remains *left)
{
	for (uint32_t i = 0; i < left->fd_count; i++)
		if (left->fds[i] >= 0)
			xdp_program_unlink(left->fds[i]);
}

bool xdp_remains_take(struct xdp_host *h, struct remains *left, uint32_t entries,
		      uint32_t addresses)
{
	struct xdp_word word;
	char why[XDP_WHY_MAX] = "of another version, or of other networks, ports or workers";
	bool fits = left->fd_count > 0 && entries > 0 && remains_read(left, &word) &&
		    word.shape == host_shape(h, entries, addresses) &&
		    xdp_forwards_adopt(&h->forwards, left->fds, entries, addresses, why) == 0;

	if (fits) {
		for (uint32_t i = 0; i < XDP_FORWARDS_FDS; i++)
			left->fds[i] = -1;
		return true;
	}
	if (left->fd_count > 0)
		LOG_INFO("media", 0, "what the process before let the kernel forward ends here",
			 LOG_STR("why", why));
	links_end(left);
	remains_close(left);
	return false;
}

int xdp_remains_link(const struct xdp_host *h, struct remains *left, uint32_t interface,
		     bool *native)
{
	struct xdp_word word;
	int fd = -1;

	if (left->fd_count == 0 || !remains_read(left, &word))
		return -1;
	for (uint32_t i = 0; fd < 0 && i < word.interface_count; i++) {
		if (word.interfaces[i].ifindex != h->interfaces[interface].ifindex)
			continue;
		fd = left->fds[XDP_FORWARDS_FDS + i];
		left->fds[XDP_FORWARDS_FDS + i] = -1;
		*native = word.interfaces[i].native != 0;
	}
	return fd;
}

/* ---- to the next one ---- */

static bool remains_add(struct remains *out, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0)
		out->fds[out->fd_count++] = copy;
	return copy >= 0;
}

static bool links_add(const struct xdp_host *h, struct xdp_word *word, struct remains *out)
{
	bool all = true;

	for (uint32_t i = 0; all && i < h->interface_count; i++) {
		const struct xdp_interface *at = &h->interfaces[i];

		if (at->program.link_fd < 0)
			continue;
		word->interfaces[word->interface_count].ifindex = at->ifindex;
		word->interfaces[word->interface_count++].native = at->program.native;
		all = remains_add(out, at->program.link_fd);
	}
	return all;
}

void xdp_remains_tell(struct xdp_host *h, struct remains *out)
{
	struct xdp_word word = { .magic = MAGIC, .version = WORD_VERSION };
	bool all = true;

	*out = (struct remains){ .fd_count = 0 };
	if (!h->forwards)
		return;
	word.shape = host_shape(h, h->forwards->entry_count, h->forwards->address_max);
	for (uint32_t i = 0; all && i < XDP_FORWARDS_FDS; i++)
		all = remains_add(out, h->forwards->fds[i]);
	(void)pthread_mutex_lock(&h->link_lock);
	all = all && links_add(h, &word, out);
	(void)pthread_mutex_unlock(&h->link_lock);
	memcpy(out->word, &word, sizeof(word));
	out->word_n = sizeof(word);
	if (!all)
		remains_close(out);
}
