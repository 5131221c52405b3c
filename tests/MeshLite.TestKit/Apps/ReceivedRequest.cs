namespace MeshLite.TestKit.Apps;

/// <summary>A request as an application got it. Header names are as received; repeated ones are joined by a comma.</summary>
public sealed record ReceivedRequest(
    string Method, string RawTarget, string Protocol, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>A header's value (names compare without case); null: absent.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);
}
