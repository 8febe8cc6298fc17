"""exp by + - * / : its bits, its error, and what is built on it."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tformer_edge.exponential import exponential, logit, sigmoid

# Of 0, -0, 1, -1, 4.135, -4.135, 708 and -708.
KNOWN = [
    "0x1.0000000000000p+0",
    "0x1.0000000000000p+0",
    "0x1.5bf0a8b14576ap+1",
    "0x1.78b56362cef38p-2",
    "0x1.f3eaaeb920810p+5",
    "0x1.06300ad869127p-6",
    "0x1.586f6bf260cf0p+1021",
    "0x1.7c8ab2288c9acp-1022",
]


def written_out(x: float) -> float:
    """The rule of the docstring on Python's own numbers; `round` takes halves to the even integer."""
    k = round(x * 1.4426950408889634)
    r = (x - k * 0.6931471803691238) - k * 1.9082149292705877e-10
    y = 1.0
    for i in range(13, 0, -1):
        product = y * r
        y = 1.0 + product / i
    return math.ldexp(y, k)


def relative_error(x: np.ndarray) -> float:
    exact = np.exp(x.astype(np.longdouble))
    return float(np.max(np.abs(exponential(x).astype(np.longdouble) / exact - 1)))


@pytest.mark.skipif(
    np.finfo(np.longdouble).eps > 1e-18, reason="needs a wider long double: pytest on x86 or Arm Linux"
)
@pytest.mark.parametrize(("reach", "allowed"), [(0.34, 2.3e-16), (10.0, 2.3e-16), (708.0, 2.3e-16)])
def test_relative_error(reach: float, allowed: float) -> None:
    random = np.random.default_rng(0)
    assert relative_error(random.uniform(-reach, reach, 400_000)) <= allowed
    # Where the reduced argument is largest: half way between two powers of 2.
    halves = (np.arange(-int(reach), int(reach) + 1) + 0.5) * math.log(2)
    near = (halves[:, None] + np.linspace(-1e-6, 1e-6, 101)).ravel()
    assert relative_error(near[np.abs(near) <= 708]) <= allowed


@given(st.floats(-708, 708))
def test_bits_are_those_of_the_written_rule(x: float) -> None:
    assert float(exponential(np.array([x]))[0]) == written_out(x)


def test_bits_of_many_and_of_halves() -> None:
    # Another order of the operations changes one value in 2,000 [measured].
    many = np.random.default_rng(1).uniform(-10, 10, 40_000)
    # Of x / ln 2 exactly between two integers the even one counts.
    halves = (np.arange(-40, 40) + 0.5) / 1.4426950408889634
    halves = halves[halves * 1.4426950408889634 % 1 == 0.5]
    assert halves.size > 40
    x = np.concatenate([many, halves])
    assert exponential(x).tolist() == [written_out(value) for value in x.tolist()]


def test_known_bits() -> None:
    values = exponential(np.array([0.0, -0.0, 1.0, -1.0, 4.135, -4.135, 708.0, -708.0]))
    assert [float(value).hex() for value in values] == KNOWN
    assert exponential(np.zeros((2, 0, 3))).shape == (2, 0, 3)


@pytest.mark.parametrize("value", [708.5, -709.0, math.inf, math.nan])
def test_refuses_what_is_no_normal_number(value: float) -> None:
    with pytest.raises(ValueError, match="Expected exponents"):
        exponential(np.array([0.0, value]))


@given(st.floats(allow_nan=False, width=32))
def test_sigmoid_is_a_probability_and_symmetric(x: float) -> None:
    one, other = sigmoid(np.array([x, -x]))
    assert 0 <= one <= 1
    assert one + other == pytest.approx(1, abs=3e-16)
    assert one == pytest.approx(1 / (1 + math.exp(-max(x, -700))), rel=1e-15, abs=1e-300)


def test_sigmoid_is_its_formula_to_the_bit() -> None:
    x = np.random.default_rng(2).uniform(-40, 40, 2000)
    expected = [
        (1.0 if value >= 0 else written_out(value)) / (1.0 + written_out(-abs(value))) for value in x.tolist()
    ]
    assert sigmoid(x).tolist() == expected


def test_sigmoid_refuses_nan() -> None:
    with pytest.raises(ValueError, match="Expected exponents"):
        sigmoid(np.array([math.nan]))


@given(st.floats(1e-12, 1 - 1e-6))
def test_logit_is_the_border_of_sigmoid(probability: float) -> None:
    border = logit(probability)
    assert border == pytest.approx(math.log(probability / (1 - probability)), rel=1e-9, abs=1e-9)
    assert float(sigmoid(np.array([border]))[0]) <= probability
    # A step of a few units in the last place over it, and the score is greater.
    assert float(sigmoid(np.array([border + 1e-15 + abs(border) * 1e-13]))[0]) >= probability


def test_logit_of_a_half_is_as_good_as_zero() -> None:
    # Up to here 1 + exp(-x) rounds to 2.
    assert 0 <= logit(0.5) <= 2.3e-16


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.1, 1.5, math.nan])
def test_logit_refuses(probability: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        logit(probability)
