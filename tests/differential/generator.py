"""Random well-typed PromQL of what Prometheus 2.42 knows, without what later versions answer
otherwise by design.

An expression is asked for as exact or not: an exact one has the same bits in whatever order it is
computed, so that functions with jumps (comparisons, floor, %) and sums may be put on it. What may
be noise when it comes near zero (means, spreads, fits) is the whole query, and marked as such."""

import data

METRICS = {
    "c_total": ("job", "instance", "path"),
    "g": ("job", "instance"),
    "h": ("job", "instance", "zone"),
    "info": ("job", "instance", "version"),
    "odd": ("job", "instance"),
    "lat_bucket": ("job", "instance", "le"),
}
VALUES = {
    "job": ("api", "db"), "instance": ("a:80", "b:80", "c:81"), "path": ("/", "/x", "/long/er"),
    "zone": ("x", "y", "z"), "version": ("1", "2"), "le": data.BUCKETS,
}
REGEXES = (".*", ".+", "a.*", "api|db", "[a-b]:80", "nothing", "/.*", "")
RANGES = ("30s", "1m", "2m", "5m", "13m", "1h")
NUMBERS = ("0", "1", "2", "-3", "0.5", "1024", "100000")
DATES = ("minute", "hour", "month", "year", "day_of_month", "day_of_week", "days_in_month",
         "day_of_year")


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.in_subquery = False
        self.noisy = False  # whether the last query was of a kind whose last digits are noise

    def query(self):
        kind = self.rng.random()
        self.noisy = kind < 0.15
        if self.noisy:
            return self.noise()
        if kind < 0.2:
            return self.scalar(2)
        return self.vector(self.rng.randrange(1, 4), self.rng.random() < 0.5)

    def noise(self):
        """Without @ and infinities, for which Prometheus 2 looked at other samples in each step of
        predict_linear, and answered otherwise than 3."""
        name = self.rng.choice(("avg", "stddev", "stdvar", "deriv", "predict_linear"))
        samples = f"{self.finite()}[{self.rng.choice(RANGES)}]{self.offset()}"
        if name == "deriv":
            return f"deriv({samples})"
        if name == "predict_linear":
            return f"predict_linear({samples}, {self.rng.choice(('60', '600', '-60'))})"
        if self.rng.random() < 0.5:
            return f"{name}_over_time({samples})"
        return self.grouped(name, self.finite() if name != "avg" else self.vector(2, True))

    # Instant vectors.
    def vector(self, depth, exact):
        if depth <= 0:
            return self.instant()
        makers = [self.aggregation, self.over_time, self.function, self.with_scalar, self.matched,
                  self.matched, self.set_operation, self.instant]
        if exact:
            makers += [self.comparison, self.jump]
        else:
            makers += [self.continuous, self.over_time, self.quantile_of_buckets]
        return self.rng.choice(makers)(depth - 1, exact)

    def instant(self, _depth=0, _exact=True):
        return self.selector() + self.modifiers()

    def aggregation(self, depth, exact):
        operator = self.rng.choice(("sum", "sum", "min", "max", "count", "group", "quantile", "topk",
                                    "bottomk", "count_values"))
        if operator in ("topk", "bottomk"):
            # Of values that are all different: which of equal ones is taken is not told.
            return self.grouped(operator, f"{self.rng.randrange(0, 4)}, {self.different()}")
        if operator == "count_values":
            return self.grouped(operator, f'"v", {self.vector(depth, True)}')
        if operator == "quantile" and not exact:
            quantile = self.rng.choice(("0.5", "0", "1", "0.9", "-1", "2"))
            return self.grouped(operator, f"{quantile}, {self.vector(depth, False)}")
        if operator in ("quantile", "sum"):
            return self.sum(depth)
        return self.grouped(operator, self.vector(depth, exact))

    def sum(self, depth, clause=None):
        """With + 0, as the sum of -0 is 0 since Prometheus 3. Of whole seconds: the last digit of
        a sum of others is noise, which count_values would make text of."""
        vector = self.vector(depth, True)
        if "timestamp" in vector:
            vector = f"floor({vector})"
        return f"({self.grouped('sum', vector, clause)} + 0)"

    def grouped(self, operator, arguments, clause=None):
        if clause is None:
            clause = self.rng.choice(("", self.clause("by"), self.clause("without")))
        return f"{operator} {clause} ({arguments})"

    def clause(self, word):
        return f"{word} ({', '.join(self.some_labels())})"

    def over_time(self, depth, exact):
        functions = ["min", "max", "sum", "count", "last", "present"]
        plain = ["changes", "resets", "idelta", "absent_over_time"]
        if not exact:
            functions.append("quantile")
            plain += ["rate", "increase", "irate", "delta", "rate"]
        name = self.rng.choice(functions + plain)
        # Of what is near zero, versions extrapolate differently.
        argument = self.counters() if name in ("rate", "increase") else self.matrix(depth)
        if name == "quantile":
            return f"quantile_over_time({self.rng.choice(('0.5', '0.99', '0'))}, {argument})"
        return f"{name}{'_over_time' if name in functions else ''}({argument})"

    def function(self, depth, exact):
        inner = self.vector(depth, exact)
        return self.rng.choice((
            f"abs({inner})",
            f"-{self.instant()}",
            f"clamp_min({inner}, {self.number()})",
            f"clamp({inner}, -5, 500)",
            f"timestamp({self.selector()}{self.offset()})",  # which passes over offset after @
            f"vector({self.scalar(1)})",
            f"absent({inner})",
            f"({inner})",
            f'label_replace({inner}, "new", "$1-x", "instance", "(.).*")',
            f'label_replace({inner}, "job", "", "path", ".*x")',
            f'label_join({inner}, "new", "/", "job", "instance")',
            f"{self.rng.choice(DATES)}({self.rng.choice(('', self.different()))})",
        ))

    def continuous(self, depth, _exact):
        name = self.rng.choice(("exp", "ln", "log2", "log10", "sqrt", "atan", "sinh", "asinh",
                                "deg", "rad", "tanh", "cos"))
        inner = self.vector(depth, True)
        # Of small arguments: what is large in is noise out.
        return f"{name}({inner} / 100000)" if name in ("exp", "sinh", "cos") else f"{name}({inner})"

    def jump(self, depth, _exact):
        inner = self.vector(depth, True)
        return self.rng.choice((f"floor({inner})", f"ceil({inner})", f"round({inner})",
                                f"round({inner}, 8)", f"sgn({inner})", f"{inner} % 7"))

    def comparison(self, depth, _exact):
        operator = self.rng.choice(("==", "!=", "<", ">", "<=", ">=")) + \
            self.rng.choice(("", " bool"))
        left, right = self.vector(depth, True), self.number()
        return f"({left} {operator} {right})"

    def with_scalar(self, depth, exact):
        operator = self.rng.choice(("+", "-", "*")) if exact else self.rng.choice(("*", "/"))
        left, right = self.vector(depth, exact), self.number()
        if self.rng.random() < 0.3:
            left, right = right, left
        return f"({left} {operator} {right})"

    def matched(self, depth, exact):
        operator = self.rng.choice(("+", "-", ">", "== bool") if exact else ("*", "/"))
        kind = self.rng.randrange(4)
        if kind == 0:
            by = self.clause("by")
            return f"({self.sum(depth, by)} {operator} {self.sum(depth, by)})"
        if kind == 1:
            return f"({self.named('g')} {operator} on (job, instance) {self.named('h')})"
        if kind == 2:
            side = self.rng.choice(("group_left (version)", "group_left ()", "group_left (zone)"))
            return (f"({self.named('c_total')} {operator} on (job, instance) {side} "
                    f"{self.named('info')})")
        if operator == ">":
            operator = "-"  # Prometheus 2 let several matches pass where a filter left one
        matching = self.clause(self.rng.choice(("on", "ignoring")))
        return f"({self.vector(depth, exact)} {operator} {matching} {self.vector(depth, exact)})"

    def set_operation(self, depth, exact):
        matching = self.rng.choice(("", " on (job)", " ignoring (path, zone)", " on ()"))
        operator = self.rng.choice(("and", "or", "unless"))
        return (f"({self.vector(depth, exact)} {operator}{matching} "
                f"{self.vector(depth, exact)})")

    def quantile_of_buckets(self, _depth, _exact):
        quantile = self.rng.choice(("0.5", "0.9", "0", "1", "-1", "2"))
        rates = f"rate({self.named('lat_bucket')}[{self.rng.choice(RANGES[1:])}])"
        if self.rng.random() < 0.5:
            rates = f"sum by (le, job) ({rates})"
        return f"histogram_quantile({quantile}, {rates})"

    # Scalars.
    def scalar(self, depth):
        if depth <= 0:
            return self.number()
        return self.rng.choice((
            "time()",
            self.number(),
            f"scalar({self.instant()})",
            f"scalar(sum({self.instant()}))",
            f"({self.scalar(depth - 1)} {self.rng.choice('+*/%^')} {self.number()})",
            f"({self.scalar(depth - 1)} >= bool {self.number()})",
        ))

    def number(self):
        return self.rng.choice(NUMBERS)

    # Range vectors. Subqueries step on whole half minutes, which evaluation times never meet; so
    # does what is within them, which therefore holds no other.
    def matrix(self, depth):
        if self.in_subquery or depth <= 0 or self.rng.random() < 0.7:
            return f"{self.selector()}[{self.rng.choice(RANGES)}]{self.modifiers()}"
        self.in_subquery = True
        inner = self.vector(depth, True)
        self.in_subquery = False
        length, step = self.rng.choice((("2m", "30s"), ("10m", "1m"), ("1h", "5m")))
        return f"({inner})[{length}:{step}]{self.modifiers()}"

    def counters(self):
        selector = self.named(self.rng.choice(("c_total", "lat_bucket")))
        return f"{selector}[{self.rng.choice(RANGES)}]{self.modifiers()}"

    # Selectors.
    def selector(self):
        return self.named(self.rng.choice(list(METRICS)))

    def finite(self):
        return self.named(self.rng.choice(("c_total", "g", "h", "lat_bucket")))

    def different(self):
        return self.named(self.rng.choice(("g", "h")))

    def named(self, name):
        matchers = [self.matcher(label) for label in METRICS[name] if self.rng.random() < 0.25]
        return f"{name}{{{', '.join(matchers)}}}" if matchers else name

    def matcher(self, label):
        if self.rng.random() < 0.5:
            operator, value = self.rng.choice(("=", "!=")), self.rng.choice(VALUES[label])
        else:
            operator, value = self.rng.choice(("=~", "!~")), self.rng.choice(REGEXES)
        return f'{label}{operator}"{value}"'

    def offset(self):
        return self.rng.choice(("", "", "", " offset 7m", " offset -3m", " offset 30s"))

    def modifiers(self):
        if self.rng.random() < 0.8:
            return self.offset()
        at = data.BEGIN + 30 * self.rng.randrange(10, 200) + 7
        return self.rng.choice((f" @ {at}", " @ start()", " @ end()")) + self.offset()

    def some_labels(self):
        count = self.rng.randrange(0, 3)
        return self.rng.sample(("job", "instance", "path", "zone", "version", "le"), count)
