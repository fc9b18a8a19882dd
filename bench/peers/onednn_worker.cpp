// onednn_worker.cpp: a convolution or a dense layer on oneDNN 2, for compare.py, which compiles it.
//
//     onednn_worker OP SHAPE PASS VARIANT
//     onednn_worker --version
//
// OP is conv2d or dense, SHAPE oneDNN's one-line form, PASS as in compare.py. VARIANT is a layout
// and, for convolutions, an algorithm (direct, winograd, auto):
//
//     plain     computes on rows of pixels as they are (nchw, oihw)
//     reorder   as oneDNN chooses, all operands turned from and into the plain layout within the
//     time blocked   as oneDNN chooses, operands being in that layout already
//
// Talks to compare.py as worker.py says.
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#if DNNL_VERSION_MAJOR != 2
#error "onednn_worker.cpp is written for oneDNN 2"
#endif

using dnnl::memory;
using tag = dnnl::memory::format_tag;

static const size_t RUNS_LEAST = 5; // in a turn, as `lenslet bench` has it

// ---- what to do
// -----------------------------------------------------------------------------------

struct work {
    bool conv;
    std::string pass, layout, algorithm;
    memory::dims x, w, y, stride, pad;
};

static std::map<std::string, long> parse_shape(const std::string &text) {
    std::map<std::string, long> s = {{"ih", 1}, {"oh", 1}, {"kh", 1}, {"sh", 1}, {"ph", 0}};
    for (size_t i = 0; i < text.size();) {
        size_t digits = text.find_first_of("0123456789", i);
        size_t end = std::min(text.find_first_not_of("0123456789", digits), text.size());
        s[text.substr(i, digits - i)] = std::stol(text.substr(digits, end - digits));
        i = end;
    }
    return s;
}

static work parse_work(char **argv) {
    work o;
    auto s = parse_shape(argv[2]);
    o.conv = std::string(argv[1]) == "conv2d";
    o.pass = argv[3];
    std::string variant = argv[4];
    o.layout = variant.substr(0, variant.find(' '));
    if (variant.find("winograd") != std::string::npos)
        o.algorithm = "winograd";
    else if (variant.find("auto") != std::string::npos)
        o.algorithm = "auto";
    long n = s["mb"], c = s["ic"], k = s["oc"];
    if (o.conv) {
        o.x = {n, c, s["ih"], s["ih"]};
        o.w = {k, c, s["kh"], s["kh"]};
        o.y = {n, k, s["oh"], s["oh"]};
        o.stride = {s["sh"], s["sh"]};
        o.pad = {s["ph"], s["ph"]};
    } else {
        o.x = {n, c};
        o.w = {k, c};
        o.y = {n, k};
    }
    return o;
}

// ---- the primitive
// --------------------------------------------------------------------------------

static memory::desc plain(const memory::dims &dims) {
    return {dims, memory::data_type::f32, dims.size() == 4 ? tag::nchw : tag::nc};
}

static dnnl::algorithm algorithm_of(const work &o) {
    return o.algorithm == "winograd" ? dnnl::algorithm::convolution_winograd
           : o.algorithm == "auto"   ? dnnl::algorithm::convolution_auto
                                     : dnnl::algorithm::convolution_direct;
}

static dnnl::primitive_desc_base convolution(const work &o, const dnnl::engine &engine,
                                             const memory::desc &x, const memory::desc &w,
                                             const memory::desc &y) {
    using namespace dnnl;
    auto algorithm = algorithm_of(o);
    convolution_forward::primitive_desc forward(
        {prop_kind::forward_training, algorithm, x, w, y, o.stride, o.pad, o.pad}, engine);
    if (o.pass == "input gradient")
        return convolution_backward_data::primitive_desc(
            {algorithm, x, w, y, o.stride, o.pad, o.pad}, engine, forward);
    if (o.pass == "weight gradient")
        return convolution_backward_weights::primitive_desc(
            {algorithm, x, w, y, o.stride, o.pad, o.pad}, engine, forward);
    return forward;
}

static dnnl::primitive_desc_base dense(const work &o, const dnnl::engine &engine,
                                       const memory::desc &x, const memory::desc &w,
                                       const memory::desc &y) {
    using namespace dnnl;
    inner_product_forward::primitive_desc forward({prop_kind::forward_training, x, w, y}, engine);
    if (o.pass == "input gradient")
        return inner_product_backward_data::primitive_desc({x, w, y}, engine, forward);
    if (o.pass == "weight gradient")
        return inner_product_backward_weights::primitive_desc({x, w, y}, engine, forward);
    return forward;
}

static dnnl::primitive_desc_base primitive_of(const work &o, const dnnl::engine &engine) {
    memory::desc x = plain(o.x), w = plain(o.w), y = plain(o.y);
    if (o.layout != "plain")
        for (memory::desc *d : {&x, &w, &y})
            *d = memory::desc(d->dims(), memory::data_type::f32, tag::any);
    return o.conv ? convolution(o, engine, x, w, y) : dense(o, engine, x, w, y);
}

// ---- running it
// -----------------------------------------------------------------------------------

// What one run executes, in order.
struct plan {
    dnnl::stream stream;
    std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps;

    void run() {
        for (auto &step : steps)
            step.first.execute(stream, step.second);
        stream.wait();
    }
};

static memory filled(const memory::desc &d, const dnnl::engine &engine) {
    memory m(d, engine);
    float *values = static_cast<float *>(m.get_data_handle());
    for (size_t i = 0; i < d.get_size() / sizeof *values; i++)
        values[i] = float(i % 17) / 17 - 0.5f;
    return m;
}

static plan plan_of(const work &o, const dnnl::engine &engine) {
    plan p{dnnl::stream(engine), {}};
    auto primitive = primitive_of(o, engine);
    bool dx = o.pass == "input gradient", dw = o.pass == "weight gradient";
    struct {
        int argument;
        const memory::dims &dims;
        bool output;
    } operands[] = {{dx ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, o.x, dx},
                    {dw ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, o.w, dw},
                    {dx || dw ? DNNL_ARG_DIFF_DST : DNNL_ARG_DST, o.y, !dx && !dw}};
    std::unordered_map<int, memory> arguments;
    std::vector<std::pair<memory, memory>> before, after;
    for (auto &operand : operands) {
        auto chosen = primitive.query_md(dnnl::query::exec_arg_md, operand.argument);
        memory inside = filled(chosen, engine);
        arguments[operand.argument] = inside;
        if (o.layout == "reorder" && chosen != plain(operand.dims)) {
            memory outside = filled(plain(operand.dims), engine);
            if (operand.output)
                after.push_back({inside, outside});
            else
                before.push_back({outside, inside});
        }
    }
    auto turned = [&](std::pair<memory, memory> &pair) {
        p.steps.push_back({dnnl::reorder(pair.first, pair.second),
                           {{DNNL_ARG_FROM, pair.first}, {DNNL_ARG_TO, pair.second}}});
    };
    std::for_each(before.begin(), before.end(), turned);
    p.steps.push_back({dnnl::primitive(primitive.get()), arguments});
    std::for_each(after.begin(), after.end(), turned);
    return p;
}

static double milliseconds() {
    using namespace std::chrono;
    return duration<double, std::milli>(steady_clock::now().time_since_epoch()).count();
}

static double timed(plan &p) {
    double start = milliseconds();
    p.run();
    return milliseconds() - start;
}

static void turn(plan &p, double seconds) {
    std::vector<double> times;
    double start = milliseconds();
    while (times.size() < RUNS_LEAST || milliseconds() - start < 1e3 * seconds)
        times.push_back(timed(p));
    std::sort(times.begin(), times.end());
    size_t half = times.size() / 2;
    double median = times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
    std::printf("{\"median_ms\": %.6g, \"min_ms\": %.6g}\n", median, times[0]);
    std::fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc == 2 && std::string(argv[1]) == "--version") {
        const dnnl_version_t *v = dnnl_version();
        std::printf("oneDNN %d.%d.%d\n", v->major, v->minor, v->patch);
        return 0;
    }
    if (argc != 5) {
        std::fprintf(stderr, "usage: onednn_worker OP SHAPE PASS VARIANT\n");
        return 2;
    }
    try {
        plan p = plan_of(parse_work(argv), dnnl::engine(dnnl::engine::kind::cpu, 0));
        std::printf("{\"first_ms\": %.6g, \"parameters\": null, \"notes\": null}\n", timed(p));
        std::fflush(stdout);
        for (double seconds; std::cin >> seconds;)
            turn(p, seconds);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 1;
    }
    return 0;
}
