import { createBucket, getBucketLocation, headBucket, listBuckets } from './buckets.ts';
import type { Context, Reply } from './context.ts';
import { listObjects } from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
} from './multipart.ts';
import { copyObject, deleteObject, deleteObjects, getObject, putObject } from './objects.ts';
import type { Operation } from './request.ts';

/** Every operation the server knows; it answers or throws an S3Error. */
export const OPERATIONS: Readonly<Record<Operation, (context: Context) => Promise<Reply>>> = {
  ListBuckets: listBuckets,
  ListObjectsV2: listObjects,
  ListObjects: listObjects,
  GetBucketLocation: getBucketLocation,
  ListMultipartUploads: listMultipartUploads,
  HeadBucket: headBucket,
  CreateBucket: createBucket,
  DeleteObjects: deleteObjects,
  ListParts: listParts,
  GetObject: getObject,
  HeadObject: getObject,
  UploadPart: uploadPart,
  CopyObject: copyObject,
  PutObject: putObject,
  AbortMultipartUpload: abortMultipartUpload,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
};
