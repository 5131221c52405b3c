using MeshLite.TestKit.Apps;

namespace MeshLite.E2E.Kit;

/// <summary>Looking for a test's own requests among those that only waited for readiness.</summary>
internal static class ReceivedAssertions
{
    /// <summary>The one request that carries a header with a value.</summary>
    public static ReceivedRequest ShouldHaveSingleItemWith(this IEnumerable<ReceivedRequest> received, string header, string value) =>
        received.Where(r => r.Header(header) == value).ShouldHaveSingleItem();
}
