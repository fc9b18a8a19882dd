/* conv2d_lanes.cl: channels side by side, for the convolutions on CPU devices that have them in the
 * lanes of vectors:
 *
 *     lanes[n, g, panel, h + top, w + left, e] = x[n, g C + 32 panel + e, h, w]
 *
 * Zeros for channels past the last of a group's C and around the image. Where an image's and a panel's
 * lanes begin the host says. Sixteen channels by sixteen pixels are turned at a time, in registers. One
 * work-item a group: global[0] = N, [1] = panels of a group, [2] = groups.
 */

#define LANES 16
#define PANEL 32 /* channels */

/* The lanes' image is H_LANES x W_LANES, x's H x W. */
kernel __attribute__((reqd_work_group_size(1, 1, 1))) void
conv2d_lanes_pack(global float *restrict lanes, const ulong lanes_offset,
                  global const float *restrict x, const ulong x_offset, const ulong image_stride,
                  const ulong panel_stride, const int C, const int H, const int W,
                  const int H_LANES, const int W_LANES, const int top, const int left) {
    const int n = get_global_id(0), panel = get_global_id(1), g = get_global_id(2);
    const int N = get_global_size(0), panels = get_global_size(1), groups = get_global_size(2);
    const int HW = H * W, channels = min(PANEL, C - panel * PANEL);
    const size_t first = ((size_t)(n * groups + g) * C + panel * PANEL) * HW;
    const size_t end = (size_t)N * groups * C * HW;
    x += x_offset;
    lanes += lanes_offset + n * image_stride + (g * panels + panel) * panel_stride;
    for (int i = 0; H_LANES * W_LANES > HW && i < H_LANES; i++)
        for (int j = 0; j < W_LANES; j++)
            if (i < top || i >= top + H || j < left || j >= left + W) {
                STORE16(global, (float16)0.0f, lanes + (i * W_LANES + j) * PANEL);
                STORE16(global, (float16)0.0f, lanes + (i * W_LANES + j) * PANEL + LANES);
            }
    int h = top, w = 0;
    for (int i = 0; i < HW; i += LANES) {
        const int count = min(LANES, HW - i);
        int place[LANES];
        for (int e = 0; e < count; e++) {
            place[e] = (h * W_LANES + left + w) * PANEL;
            if (++w == W) {
                w = 0;
                h++;
            }
        }
        for (int c = 0; c < PANEL; c += LANES) {
            const size_t at = first + (size_t)c * HW + i;
            float16 vectors[LANES];
#pragma unroll
            for (int e = 0; e < LANES; e++)
                if (c + e >= channels)
                    vectors[e] = 0.0f;
                else if (at + (size_t)e * HW + LANES <= end)
                    vectors[e] = vload16(0, x + at + (size_t)e * HW);
                else
                    vectors[e] = load_few(x + at + (size_t)e * HW, count);
            transpose(vectors);
#pragma unroll
            for (int e = 0; e < LANES; e++)
                if (e < count)
                    STORE16(global, vectors[e], lanes + place[e] + c);
        }
    }
}
