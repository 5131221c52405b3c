namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>Takes the fields of a header block, in their order, as the peer wrote them: whether they make a message is the owner's to judge. So are limits.</summary>
internal interface IFieldSink
{
    void OnField(string name, string value);
}
