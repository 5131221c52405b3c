using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

internal static class PickerExtensions
{
    /// <summary>Picks without a key, while nobody is out.</summary>
    public static TestEndpoint? Pick(this EndpointPicker<TestEndpoint> picker, in ExcludedEndpoints excluded)
    {
        var picked = picker.Pick(in excluded, key: null, anyOut: false);
        picked.IsProbe.ShouldBeFalse();
        return picked.Endpoint;
    }
}
