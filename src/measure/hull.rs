//! The lower left hull of points: which settings buy the best performance for their cost.

/// For each point, a cost and a performance of which less is better, whether it lies on the
/// lower left hull of all: whether for some price of one in terms of the other no point is
/// better. Points of the same place share it; what is not a finite number lies on none.
///
/// It is the part of the convex hull that faces the origin, from the cheapest point to the
/// one that performs best: the hull by which Li, Stribling, Morris, Kaashoek and Gil, "A
/// performance vs. cost framework for evaluating DHT design tradeoffs under churn" (INFOCOM
/// 2005), compare DHTs over all settings of their parameters.
pub fn lower_hull(points: &[(f64, f64)]) -> Vec<bool> {
    let is_finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let mut places: Vec<(f64, f64)> = points.iter().filter(is_finite).copied().collect();
    places.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut hull: Vec<(f64, f64)> = Vec::new();
    for place in places {
        // What costs as much or more must perform better.
        if hull.last().is_some_and(|last| place.1 >= last.1) {
            continue;
        }
        while let [.., before, last] = hull[..]
            && lies_above(last, before, place)
        {
            hull.pop();
        }
        hull.push(place);
    }
    points.iter().map(|point| hull.contains(point)).collect()
}

/// Whether a point lies above the line between two others, left and right of it.
fn lies_above(point: (f64, f64), left: (f64, f64), right: (f64, f64)) -> bool {
    let from_left = (point.0 - left.0, point.1 - left.1);
    let across = (right.0 - left.0, right.1 - left.1);
    across.0 * from_left.1 > across.1 * from_left.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_hull_faces_the_origin() {
        let points = [
            (1.0, 9.0), // the cheapest
            (1.0, 12.0),
            (2.0, 5.0),
            (3.0, 4.5), // better than what is cheaper, but above the line to the next
            (4.0, 3.0),
            (6.0, 2.0), // on the line between its neighbours
            (8.0, 1.0), // the best
            (9.0, 1.0),
            (4.0, 3.0),
            (0.5, f64::NAN),
            (f64::INFINITY, 0.0),
        ];
        let on_it = [true, false, true, false, true, true, true, false, true, false, false];
        assert_eq!(lower_hull(&points), on_it);
        assert_eq!(lower_hull(&[]), [false; 0]);
        assert_eq!(lower_hull(&[(0.0, 0.0)]), [true]);
    }

    /// By definition: no point is at least as good in both, and none lies below, on a line
    /// between two others.
    fn is_on_hull(point: (f64, f64), all: &[(f64, f64)]) -> bool {
        let beats =
            |other: &(f64, f64)| other.0 <= point.0 && other.1 <= point.1 && *other != point;
        let hides = |left: &(f64, f64), right: &(f64, f64)| {
            left.0 < point.0 && point.0 < right.0 && lies_above(point, *left, *right)
        };
        !all.iter().any(beats) && !all.iter().any(|left| all.iter().any(|right| hides(left, right)))
    }

    proptest! {
        #![proptest_config(crate::property::config())]

        #[test]
        fn the_hull_is_that_of_its_definition(
            points in prop::collection::vec((0_u8..12, 0_u8..12), 0..30),
        ) {
            let points: Vec<(f64, f64)> =
                points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let naive: Vec<bool> = points.iter().map(|point| is_on_hull(*point, &points)).collect();
            prop_assert_eq!(lower_hull(&points), naive);
        }

        #[test]
        fn points_above_the_hull_leave_it_as_it_is(
            points in prop::collection::vec((0_u8..50, 0_u8..50), 1..20),
            worse in (0_usize..20, 0_u8..9, 1_u8..9),
        ) {
            let mut points: Vec<(f64, f64)> =
                points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
            let hull = lower_hull(&points);
            let (x, y) = points[worse.0 % points.len()];
            points.push((x + f64::from(worse.1), y + f64::from(worse.2)));
            let with_worse = lower_hull(&points);
            prop_assert_eq!(&with_worse[..hull.len()], &hull[..]);
            prop_assert!(!with_worse[hull.len()]);
        }
    }
}
